// main() of the tools that simulate: the library's own prints a banner unless the environment forbids it.

#include <cstdlib>
#include <systemc>

int main(int argc, char** argv) {
    setenv("SC_COPYRIGHT_MESSAGE", "DISABLE", 1);
    return sc_core::sc_elab_and_sim(argc, argv);
}
