// example.cpp - stores a message, takes it, and finishes it.
//
//     c++ -std=c++17 example.cpp $(pkg-config --cflags --libs pgqrs) -pthread

#include <iostream>

#include "pgqrs.hpp"

int main() try {
    using namespace std::chrono_literals;
    pgqrs::completion_queue queue;
    auto store = pgqrs::store::open(queue, "sqlite:///jobs.db", true).get();
    try {
        store.create_queue("tasks").get();
    } catch (const pgqrs::error &e) {
        if (e.code() != PGQRS_E_QUEUE_EXISTS) throw;
    }
    auto producer = store.open_producer("tasks").get();
    std::cout << "stored as " << producer.enqueue(R"({"send":"welcome"})").get() << '\n';

    auto consumer = store.open_consumer("tasks").get();
    pgqrs::dequeue_options options;
    options.lease = 30s;
    options.wait = 1s;
    const auto batch = consumer.dequeue(options).get();
    for (pgqrs::message message : batch) {
        std::cout << "working on " << message.payload << '\n';
        consumer.archive(message).get(); // without this it comes back after the lease
    }
    store.stop().get();
    return 0;
} catch (const pgqrs::error &e) {
    std::cerr << e.what() << '\n';
    return 1;
}
