// boundary IN_FLIGHT SECONDS - so many no-ops at a time, each started by the end of
// the one before it; prints how many it were and how long they took.
#include <cstdio>
#include <cstdlib>

#include "pgqrs.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Loop {
    pgqrs::completion_queue queue{pgqrs::pump::manual};
    Clock::time_point end;
    long done = 0, flying = 0;

    void submit() {
        flying++;
        queue.start<void>(pgqrs_cq_nop, [](pgqrs::unique_handle) {}).then([this](pgqrs::operation<void> nop) {
            nop.get();
            flying--;
            done++;
            if (Clock::now() < end) submit();
        });
    }
};

} // namespace

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    Loop loop;
    const auto start = Clock::now();
    loop.end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::atof(argv[2])));
    for (long n = std::atol(argv[1]); n > 0; n--) loop.submit();
    while (loop.flying > 0) loop.queue.run_one();
    const std::chrono::duration<double> took = Clock::now() - start;
    std::printf("{\"messages\": %ld, \"seconds\": %f}\n", loop.done, took.count());
}
