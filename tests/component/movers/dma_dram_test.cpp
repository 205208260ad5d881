#include "tests/component/memory/dram_bench.h"
#include "tests/component/movers/dma_bench.h"
#include "tests/support/sim_fixture.h"
#include <boost/test/unit_test.hpp>
#include <cstdio>
using namespace kpu; using namespace kpu::test;
namespace {
iface::copy_operands runs(bool load, std::uint32_t n, std::uint32_t run, std::uint32_t stride, std::uint64_t at){
 iface::copy_operands c; c.count[3]=n; c.run=run; iface::copy_side far{address(k_dram+at),{0,0,0,stride}}, near{address(at % (1<<20)),{0,0,0,run}};
 c.source= load?far:near; c.destination= load?near:far; return c; }
std::uint64_t took(dma_setup s, bool load, std::uint32_t n, std::uint32_t run, std::uint32_t stride, int copies){
 sim_fixture f; dma_bench b(s); std::uint64_t end=0; f.run([&]{ for(unsigned e=0;e<s.engines;++e) for(int c=0;c<copies;++c) b.push(e, runs(load,n,run,stride, (e*copies+c)*65536ull)); for(unsigned e=0;e<s.engines;++e) end=std::max(end,b.await(e,copies)); });
 return end; }
}
BOOST_AUTO_TEST_CASE(explore) {
 for (bool banked : {false,true}) for (unsigned channels: {1u,4u}) for (unsigned engines : {1u,2u,4u}) for (bool load : {true,false})
 for (auto [n,run,stride] : {std::array<unsigned,3>{1,65536,65536},{64,1024,4096},{128,512,4096},{512,64,1024},{1024,32,64},{1024,4,64}}) {
  std::vector<std::uint64_t> t;
  for (unsigned chunk : {64u,256u,1024u,4096u,8192u}) { dma_setup s; s.engines=engines; s.dram= lpddr5_6400(); s.dram.capacity=bytes(1u<<26); s.dram.interleave=bytes(256); s.dram.channels=channels; s.dram.timing = banked?platform::dram_timing::banked:platform::dram_timing::fixed; s.mover.chunk=bytes(chunk);
   t.push_back(took(s,load,n,run,stride,3)); }
  std::printf("%s ch %u eng %u %s n %u run %u stride %u:", banked?"banked":"fixed ", channels, engines, load?"load ":"store", n,run,stride); for(auto x:t) std::printf(" %lu",x); std::printf("   %.2f%%\n", 100.0*(double(*std::max_element(t.begin(),t.end()))/double(*std::min_element(t.begin(),t.end()))-1));
 }
}
