// surface.cpp - what the vectors do not reach: event loops, cancellation, futures,
// callbacks, dropped operations, coroutines (C++20).

#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "pgqrs.hpp"

using namespace std::chrono_literals;

#define EXPECT(condition)                                                            \
    do {                                                                             \
        if (!(condition)) {                                                          \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);     \
            std::exit(1);                                                            \
        }                                                                            \
    } while (0)

namespace {

struct fixture {
    explicit fixture(pgqrs::pump by)
        : queue(by), store(pgqrs::store::open(queue, "sqlite::memory:", true).get()) {
        store.create_queue("tasks").get();
        producer.emplace(store.open_producer("tasks").get());
        consumer.emplace(store.open_consumer("tasks").get());
    }
    ~fixture() { store.stop().get(); }

    pgqrs::completion_queue queue;
    pgqrs::store store;
    std::optional<pgqrs::producer> producer;
    std::optional<pgqrs::consumer> consumer;
};

pgqrs::dequeue_options waiting(pgqrs::milliseconds wait) {
    pgqrs::dequeue_options options;
    options.wait = wait;
    return options;
}

template <class F> std::int32_t code(F f) {
    try {
        f();
    } catch (const pgqrs::error &e) {
        return e.code();
    }
    return PGQRS_OK;
}

// A host with an event loop watches the descriptor and polls.
void event_loop() {
    fixture f(pgqrs::pump::manual);
    auto taken = f.consumer->dequeue(waiting(-1ms));
    auto stored = f.producer->enqueue("{\"n\":1}");
    bool called = false;
    std::move(stored).then([&](pgqrs::operation<std::int64_t> done) { called = done.get() > 0; });
    pollfd watched = {f.queue.fd(), POLLIN, 0};
    while (!called || !taken.ready()) {
        EXPECT(::poll(&watched, 1, 10000) == 1);
        f.queue.poll();
    }
    const pgqrs::messages batch = taken.get();
    EXPECT(batch.size() == 1 && batch[0].payload == "{\"n\":1}" && batch[0].read_ct == 1);
    EXPECT(f.consumer->archive(batch[0]).get());
    EXPECT(!f.consumer->archive(batch[0]).get());
}

void cancellation() {
    fixture f(pgqrs::pump::thread);
    auto taken = f.consumer->dequeue(waiting(-1ms));
    EXPECT(!taken.wait_for(20ms));
    taken.cancel();
    EXPECT(code([&] { taken.get(); }) == PGQRS_E_CANCELLED);
    taken.cancel(); // long over
}

// What nobody takes is given back as it was.
void dropped() {
    fixture f(pgqrs::pump::thread);
    const auto id = f.producer->enqueue("1").get();
    {
        auto taken = f.consumer->dequeue(waiting(10s));
        EXPECT(taken.wait_for(10s));
    }
    const auto again = f.consumer->dequeue(waiting(10s)).get();
    EXPECT(again.size() == 1 && again[0].id == id && again[0].read_ct == 1);
}

void futures_and_errors() {
    fixture f(pgqrs::pump::thread);
    std::vector<std::future<std::int64_t>> stored;
    for (int i = 0; i < 100; i++) stored.push_back(f.producer->enqueue(std::to_string(i)).future());
    std::int64_t last = 0;
    for (auto &s : stored) {
        const auto id = s.get();
        EXPECT(id > 0 && id != last);
        last = id;
    }
    auto refused = f.store.get_queue("nobody").future();
    EXPECT(code([&] { refused.get(); }) == PGQRS_E_QUEUE_NOT_FOUND);
    try {
        f.producer->enqueue("no JSON").get();
        EXPECT(false);
    } catch (const pgqrs::error &e) {
        EXPECT(e.code() == PGQRS_E_SERIALIZATION && e.operation() == "enqueue" && e.safe_to_retry());
    }
    EXPECT(code([&] { f.store.get_run(4711).get(); }) == PGQRS_E_WORKFLOW_NOT_FOUND);
    EXPECT(f.store.count(pgqrs_message_count, static_cast<const pgqrs_table_options *>(nullptr)).get() == 100);
}

void statements() {
    EXPECT(pgqrs::sql(pgqrs::statement::enqueue).rfind("select \"public\".pgqrs_enqueue(", 0) == 0);
    EXPECT(pgqrs::sql(pgqrs::statement::enqueue_batch, "my jobs").rfind("select \"my jobs\".pgqrs_enqueue_batch(", 0) == 0);
    EXPECT(code([] { pgqrs::sql(pgqrs::statement::enqueue, std::string(64, 'x')); }) == PGQRS_E_CONFIG);
    fixture f(pgqrs::pump::thread);
    EXPECT(code([&] { f.store.sql(pgqrs::statement::enqueue); }) == PGQRS_E_UNSUPPORTED);
}

// What the vectors do not ask of the tables.
void tables() {
    fixture f(pgqrs::pump::thread);
    const auto holds = [](pgqrs::operation<std::string> document, const char *what) {
        return document.get().find(what) != std::string::npos;
    };
    const auto id = f.producer->enqueue("1").get();
    pgqrs::dequeue_options options;
    options.auto_extend = true;
    const auto batch = f.consumer->dequeue(options).get();
    f.consumer->poll(true).get();
    EXPECT(f.consumer->status().get() == "polling");
    f.consumer->poll(false).get();
    EXPECT(f.consumer->keep({batch[0]}, 1s) == 1 && f.consumer->keep({}, 1s) == 0);
    EXPECT(code([&] { f.consumer->keep({batch[0]}, -1s); }) == PGQRS_E_INVALID_ARGUMENT);

    pgqrs::filter tasks;
    tasks.queue = "tasks";
    EXPECT(holds(f.store.get_worker(f.consumer->id()), "\"status\":\"ready\""));
    EXPECT(holds(f.store.list_workers(tasks), "\"hostname\""));
    EXPECT(f.store.count_workers(tasks).get() == 2);
    EXPECT(holds(f.store.worker_stats(), "\"producers\":1"));
    tasks.older_than = 1h;
    EXPECT(holds(f.store.worker_health(tasks), "\"healthy\":2"));
    EXPECT(f.store.reclaim(tasks).get() == 0 && f.store.purge_archive(tasks).get() == 0);
    EXPECT(code([&] { f.store.purge_archive({}).get(); }) == PGQRS_E_INVALID_ARGUMENT);
    EXPECT(code([&] { f.store.delete_worker(f.consumer->id()).get(); }) == PGQRS_E_STATE_TRANSITION);
    EXPECT(f.store.release_worker(f.consumer->id()).get() == 1);
    EXPECT(f.store.purge_workers().get() == 1);
    EXPECT(f.store.count_messages().get() == 1 && f.store.count_archived().get() == 0 && f.store.count_queues().get() == 1);
    EXPECT(holds(f.store.get_queue(f.store.get_message(id).get()[0].queue_id), "\"tasks\""));
    EXPECT(holds(f.store.inspect(), "[\"engine\",\"sqlite\"]") && holds(f.store.activity(), "\"flushes\""));

    f.store.create_workflow("ship").get();
    EXPECT(holds(f.store.get_workflow(std::int64_t{1}), "\"ship\"") && f.store.count_workflows().get() == 1);
    f.store.trigger("ship", "{\"attempt\":7}").get();
    const auto first = f.store.start_run(1).get();
    EXPECT(first.run_id == 1 && first.number == 1);
    f.store.acquire_step(first, "charge").get();
    EXPECT(holds(f.store.get_step(1), "\"charge\"") && f.store.count_steps().get() == 1);
    EXPECT(f.store.start_run(1).get().number == 2 && f.store.count_runs().get() == 1);
    EXPECT(!pgqrs::version().empty());
}

void losses() {
    fixture f(pgqrs::pump::thread);
    std::promise<std::int64_t> lost;
    auto told = f.consumer->losses([&](pgqrs::token t) { lost.set_value(t.id); });
    const auto id = f.producer->enqueue("1").get();
    pgqrs::dequeue_options options;
    options.auto_extend = true;
    options.lease = 200ms;
    f.consumer->dequeue(options).get();
    f.store.purge_queue("tasks").get();
    EXPECT(lost.get_future().get() == id);
    told.cancel();
    EXPECT(code([&] { told.get(); }) == PGQRS_E_CANCELLED);
}

// A queue that goes ends what waits on it.
void closing() {
    std::optional<pgqrs::operation<pgqrs::messages>> waits;
    auto queue = std::make_unique<pgqrs::completion_queue>();
    auto store = pgqrs::store::open(*queue, "sqlite::memory:", true).get();
    store.create_queue("tasks").get();
    auto consumer = store.open_consumer("tasks").get();
    auto waiter = consumer.dequeue(waiting(-1ms)).future();
    queue.reset();
    EXPECT(code([&] { waiter.get(); }) == PGQRS_E_CLOSED);
}

#if defined(__cpp_impl_coroutine)
struct task {
    struct promise_type {
        task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::abort(); }
    };
};

task enqueue_twice(pgqrs::producer &producer, std::promise<std::int64_t> &done) {
    co_await producer.enqueue("1");
    done.set_value(co_await producer.enqueue("2"));
}

void coroutines() {
    fixture f(pgqrs::pump::thread);
    std::promise<std::int64_t> done;
    enqueue_twice(*f.producer, done);
    EXPECT(done.get_future().get() == 2);
}
#else
void coroutines() {}
#endif

// What the stores log arrives where the queue is polled.
void log(pgqrs::pump by) {
    fixture f(by);
    std::promise<std::string> first;
    bool told = false;
    auto lines = f.queue.log(PGQRS_LOG_WARN, [&](std::string_view line) {
        if (!std::exchange(told, true)) first.set_value(std::string(line));
    });
    f.store.run(pgqrs_store_uninstall).get();
    f.store.stop().get(); // it cannot tell that its workers have ended
    auto line = first.get_future();
    while (by == pgqrs::pump::manual && line.wait_for(0s) != std::future_status::ready) f.queue.run_one();
    const std::string document = line.get();
    EXPECT(document.find("\"level\":\"warn\",\"message\":\"stopping workers failed") != std::string::npos);
    EXPECT(document.find("\"store\":\"sqlite::memory:\"") != std::string::npos);
    EXPECT(!lines.ready());
    lines.cancel();
    EXPECT(code([&] { lines.get(); }) == PGQRS_E_CANCELLED);
    EXPECT(code([&] { f.queue.log(0, [](std::string_view) {}); }) == PGQRS_E_INVALID_ARGUMENT);
}

} // namespace

int main() {
    event_loop();
    cancellation();
    dropped();
    futures_and_errors();
    statements();
    tables();
    losses();
    coroutines();
    log(pgqrs::pump::thread);
    log(pgqrs::pump::manual);
    closing(); // last: it leaves its store in memory to the library
    EXPECT(pgqrs::shutdown(10s));
    return 0;
}
