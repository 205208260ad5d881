#pragma once
// AddressSanitizer and coroutines. Switches between SystemC's threads leave ASan without the bounds of the main stack:
// it then cannot clean up after an exception there, and reports what the unwound frames have left as overflows.

#if defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace kpu::hw {

/// Call on the main stack after sc_start. Does nothing in builds without ASan.
inline void restore_main_stack_bounds() {
#if defined(__SANITIZE_ADDRESS__)
    pthread_attr_t attributes;
    void* bottom = nullptr;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    pthread_attr_getstack(&attributes, &bottom, &size);
    pthread_attr_destroy(&attributes);
    void* fake_stack = nullptr;
    __sanitizer_start_switch_fiber(&fake_stack, bottom, size);
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

} // namespace kpu::hw
