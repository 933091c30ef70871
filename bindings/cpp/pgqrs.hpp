// pgqrs.hpp - the job queue for C++17, on top of pgqrs.h and nothing else.
//
//     pgqrs::completion_queue queue;                       // with a thread of its own
//     auto store = pgqrs::store::open(queue, "sqlite:///jobs.db").get();
//     auto producer = store.open_producer("tasks").get();
//     std::int64_t id = producer.enqueue(R"({"n":1})").get();
//     auto consumer = store.open_consumer("tasks").get();
//     for (pgqrs::message m : consumer.dequeue().get())
//         consumer.archive(m).get();
//
// Every call returns an operation, which is like a future: get() waits and returns
// the result, or throws pgqrs::error; then() calls back; cancel() asks for an end;
// co_await works in C++20. An operation that is dropped gives back what it leased.
//
// Objects are move-only and close themselves; nothing is thrown from destructors. A
// completion_queue outlives what was opened on it. Any thread may start a call.
#ifndef PGQRS_HPP
#define PGQRS_HPP

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>
#if defined(__cpp_impl_coroutine)
#include <coroutine>
#endif

#include "pgqrs.h"

namespace pgqrs {

using milliseconds = std::chrono::milliseconds;
// An instant as the database has it. The epoch, 0, stands for "none".
using instant = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

// ---- Errors and handles -------------------------------------------------------

// What went wrong. code() is a PGQRS_E_ number.
class error : public std::runtime_error {
  public:
    explicit error(std::int32_t code) : error(code, pgqrs_status_text(code)) {}
    error(std::int32_t code, const std::string &text) : std::runtime_error(text), code_(code) {}
    // Reads an error handle, which stays the caller's to close.
    error(std::int32_t code, pgqrs_handle handle) : error(read(code, handle)) {}

    std::int32_t code() const noexcept { return code_; }
    const std::string &operation() const noexcept { return operation_; }
    const std::string &field() const noexcept { return field_; }
    const std::string &sqlstate() const noexcept { return sqlstate_; }
    milliseconds retry_after() const noexcept { return retry_after_; }
    bool transient() const noexcept { return (flags_ & PGQRS_ERROR_TRANSIENT) != 0; }
    bool safe_to_retry() const noexcept { return (flags_ & PGQRS_ERROR_SAFE_TO_RETRY) != 0; }

  private:
    static error read(std::int32_t code, pgqrs_handle handle) {
        pgqrs_error_detail detail;
        PGQRS_INIT(&detail);
        if (handle == 0 || pgqrs_error_info(handle, &detail) != PGQRS_OK) return error(code);
        error e(code, std::string(detail.message.data, detail.message.len));
        e.operation_.assign(detail.operation.data, detail.operation.len);
        e.field_.assign(detail.field.data, detail.field.len);
        e.sqlstate_ = detail.sqlstate;
        e.retry_after_ = milliseconds(detail.retry_after_ms);
        e.flags_ = detail.flags;
        return e;
    }

    std::int32_t code_;
    std::string operation_, field_, sqlstate_;
    milliseconds retry_after_{0};
    std::uint32_t flags_ = 0;
};

// Owns a handle of the library and closes it.
class unique_handle {
  public:
    unique_handle() noexcept = default;
    explicit unique_handle(pgqrs_handle handle) noexcept : handle_(handle) {}
    unique_handle(unique_handle &&other) noexcept : handle_(other.release()) {}
    unique_handle &operator=(unique_handle &&other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~unique_handle() { reset(); }

    pgqrs_handle get() const noexcept { return handle_; }
    pgqrs_handle release() noexcept { return std::exchange(handle_, 0); }
    void reset(pgqrs_handle handle = 0) noexcept { pgqrs_close(std::exchange(handle_, handle)); }

  private:
    pgqrs_handle handle_ = 0;
};

inline void check(std::int32_t status, pgqrs_handle failure = 0) {
    if (status >= 0) return;
    unique_handle owner(failure);
    throw error(status, failure);
}

// ---- What calls answer ----------------------------------------------------------

// Names one lease; read_ct 0: the owner alone decides.
struct token {
    std::int64_t id = 0;
    std::int32_t read_ct = 0;
};

// One message. Its views die with the list it came from.
struct message {
    std::int64_t id, queue_id;
    std::string_view payload; // a JSON document
    std::int32_t read_ct;
    instant enqueued_at, vt, dequeued_at, archived_at; // 0: none
    std::int64_t producer_worker_id, consumer_worker_id; // 0: none
    std::string_view dead_reason; // not empty: a dead letter

    operator pgqrs::token() const noexcept { return {id, read_ct}; }
};

namespace detail {
// Record i of a list, whose records may be longer than this header knows.
template <class T> const T &item(const pgqrs_list &list, std::size_t i) noexcept {
    return *reinterpret_cast<const T *>(static_cast<const char *>(list.items) + i * list.item_size);
}
} // namespace detail

// Messages in hand-out order; owns what their views show.
class messages {
  public:
    explicit messages(unique_handle result) : result_(std::move(result)) {
        check(pgqrs_result_messages(result_.get(), &list_));
    }

    std::size_t size() const noexcept { return list_.count; }
    bool empty() const noexcept { return list_.count == 0; }
    message operator[](std::size_t i) const noexcept {
        const auto &m = detail::item<pgqrs_message>(list_, i);
        const auto at = [](std::int64_t us) { return instant(std::chrono::microseconds(us)); };
        return {m.id, m.queue_id, {m.payload.data, m.payload.len}, m.read_ct, at(m.enqueued_at), at(m.vt),
                at(m.dequeued_at), at(m.archived_at), m.producer_worker_id, m.consumer_worker_id,
                {m.dead_reason.data, m.dead_reason.len}};
    }

    class iterator {
      public:
        using iterator_category = std::input_iterator_tag;
        using value_type = message;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = message;
        iterator(const messages *list, std::size_t at) noexcept : list_(list), at_(at) {}
        message operator*() const noexcept { return (*list_)[at_]; }
        iterator &operator++() noexcept { return ++at_, *this; }
        void operator++(int) noexcept { ++at_; }
        bool operator==(const iterator &other) const noexcept { return at_ == other.at_; }
        bool operator!=(const iterator &other) const noexcept { return at_ != other.at_; }

      private:
        const messages *list_;
        std::size_t at_;
    };
    iterator begin() const noexcept { return {this, 0}; }
    iterator end() const noexcept { return {this, size()}; }

  private:
    unique_handle result_;
    pgqrs_list list_{};
};

// ---- Operations -----------------------------------------------------------------

class completion_queue;

namespace detail {

inline pgqrs_str view(std::string_view text) noexcept { return {text.data(), text.size()}; }

inline std::vector<pgqrs_str> views(const std::vector<std::string_view> &texts) {
    std::vector<pgqrs_str> all;
    for (auto text : texts) all.push_back(view(text));
    return all;
}

// The JSON document of a result.
inline std::string document(unique_handle result) {
    pgqrs_str text{};
    check(pgqrs_result_json(result.get(), &text));
    return std::string(text.data, text.len);
}

// What one call came to. A result that nobody takes is discarded, which gives back
// the leases in it.
class outcome {
  public:
    outcome(std::int32_t status, pgqrs_handle result, pgqrs_handle failure) noexcept
        : status_(status), result_(result), failure_(failure) {}
    outcome(outcome &&) noexcept = default;
    ~outcome() { pgqrs_result_discard(result_.release()); }

    unique_handle take() {
        if (status_ < 0) throw error(status_, failure_.get());
        return std::move(result_);
    }

  private:
    std::int32_t status_;
    unique_handle result_, failure_;
};

// What a call and the queue share until its completion.
class pending {
  public:
    using receiver = std::function<void(unique_handle)>;
    pending(completion_queue &queue, receiver each) : queue_(queue), each_(std::move(each)) {}

    void more(unique_handle result) const { each_(std::move(result)); } // one of several results

    void finish(outcome result) {
        std::function<void()> callback;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            if (outcome_) return;
            outcome_ = std::make_unique<outcome>(std::move(result));
            callback = std::move(callback_);
        }
        done_.notify_all();
        if (callback) callback();
    }
    bool ready() const {
        std::lock_guard<std::mutex> lock(mutex_);
        return outcome_ != nullptr;
    }
    bool wait_until(std::chrono::steady_clock::time_point when) const;
    void wait() const;
    unique_handle take() { return outcome_->take(); } // once it is ready
    void then(std::function<void()> callback) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            if (!outcome_) {
                callback_ = std::move(callback);
                return;
            }
        }
        callback();
    }

    pgqrs_handle op = 0;

  private:
    completion_queue &queue_;
    const receiver each_;
    mutable std::mutex mutex_; // guards the rest
    mutable std::condition_variable done_;
    std::unique_ptr<outcome> outcome_;
    std::function<void()> callback_;
};

} // namespace detail

// A call under way. Dropping it neither waits nor cancels.
template <class T> class operation {
  public:
    using reader = std::function<T(unique_handle)>;
    operation(std::shared_ptr<detail::pending> state, reader read) : state_(std::move(state)), read_(std::move(read)) {}

    // Waits and returns the result, once. Throws pgqrs::error.
    T get() {
        state_->wait();
        return read_(state_->take());
    }
    bool ready() const { return state_->ready(); }
    // False: it is not ready yet.
    bool wait_for(milliseconds span) const { return state_->wait_until(std::chrono::steady_clock::now() + span); }
    // Asks for an end; the outcome is CANCELLED iff nothing was stored.
    void cancel() const noexcept { pgqrs_op_cancel(state_->op); }
    // Calls f(operation) when it is ready, on the thread that polls the queue, or at
    // once. f must not throw, and not wait for other operations of the queue.
    template <class F> void then(F f) && {
        auto state = state_;
        state->then([f = std::move(f), self = std::make_shared<operation>(std::move(*this))]() mutable {
            f(std::move(*self));
        });
    }
    // The same as a std::future.
    std::future<T> future() && {
        auto promise = std::make_shared<std::promise<T>>();
        auto result = promise->get_future();
        std::move(*this).then([promise](operation done) {
            try {
                if constexpr (std::is_void_v<T>) {
                    done.get();
                    promise->set_value();
                } else {
                    promise->set_value(done.get());
                }
            } catch (...) {
                promise->set_exception(std::current_exception());
            }
        });
        return result;
    }
#if defined(__cpp_impl_coroutine)
    bool await_ready() const { return ready(); }
    void await_suspend(std::coroutine_handle<> waiter) { state_->then([waiter] { waiter.resume(); }); }
    T await_resume() { return get(); }
#endif

  private:
    std::shared_ptr<detail::pending> state_;
    reader read_;
};

// ---- Completion queue -----------------------------------------------------------

enum class pump {
    thread, // a thread of the queue's own takes completions
    manual, // the host does: poll() when fd() is readable, or run_one(), or get()
};

// Where calls end. One thread at a time polls it.
class completion_queue {
  public:
    explicit completion_queue(pump by = pump::thread, std::uint32_t max_pending = 0) : by_(by) {
        if (pgqrs_abi_version() != PGQRS_ABI_VERSION) throw error(PGQRS_E_ABI_MISMATCH);
        check(pgqrs_runtime_wait());
        pgqrs_cq_options options;
        PGQRS_INIT(&options);
        options.max_pending = max_pending;
        pgqrs_handle handle = 0;
        check(pgqrs_cq_open(&options, &handle));
        handle_.reset(handle);
        if (by_ == pump::thread) thread_ = std::thread([this] { drive(); });
    }
    completion_queue(const completion_queue &) = delete;
    completion_queue &operator=(const completion_queue &) = delete;
    // Ends every call with CLOSED. A manual host stops watching fd() before.
    ~completion_queue() {
        pgqrs_close(handle_.get()); // ends a wait of the thread as well
        if (thread_.joinable()) thread_.join();
        end(PGQRS_E_CLOSED);
    }

    // For an event loop: readable is a hint to poll(). It is the library's; dup it for
    // a loop that closes what it watches, such as asio::posix::stream_descriptor.
    int fd() const {
        std::int32_t fd = -1;
        check(pgqrs_cq_fd(handle_.get(), &fd));
        return fd;
    }
    // Finishes what has completed, without waiting, and returns how much that was.
    std::size_t poll() {
        pgqrs_completion batch[64];
        const std::uint32_t capacity = sizeof batch / sizeof *batch;
        for (std::size_t total = 0;;) {
            const std::int32_t n = pgqrs_cq_poll(handle_.get(), batch, capacity);
            if (n == PGQRS_E_STATE) throw error(n, "another thread polls this queue");
            if (n < 0) {
                end(n);
                return total;
            }
            for (std::int32_t i = 0; i < n; i++) finish(batch[i]);
            total += static_cast<std::size_t>(n);
            if (static_cast<std::uint32_t>(n) < capacity) return total;
        }
    }
    // Waits until something completes, at most for span (negative: for ever).
    std::size_t run_one(milliseconds span = milliseconds(-1)) {
        const std::size_t n = poll();
        if (n != 0) return n;
        const std::int32_t status = pgqrs_cq_wait(handle_.get(), span.count());
        if (status < 0 && status != PGQRS_E_TIMEOUT && status != PGQRS_E_STATE) end(status);
        return poll();
    }

    bool manual() const noexcept { return by_ == pump::manual; }

    // Starts a call: f takes (cq, user_data, &op, &error) last, as the functions of
    // pgqrs.h do. read makes the result of a handle; each gets those before the last.
    template <class T, class F>
    operation<T> start(F f, typename operation<T>::reader read, detail::pending::receiver each = {}) {
        auto state = std::make_shared<detail::pending>(*this, std::move(each));
        std::uint64_t id = 0;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            id = ++last_;
            waiting_.emplace(id, state);
        }
        pgqrs_handle failure = 0;
        const std::int32_t status = f(handle_.get(), id, &state->op, &failure);
        if (status < 0) {
            remove(id);
            check(status, failure);
        }
        return {std::move(state), std::move(read)};
    }

    // Calls f with each line that the stores of this process log from now on, a JSON
    // document as pgqrs_log_subscribe has it: {"time", "level", "message",
    // "attributes", "dropped"}. level is the lowest, a PGQRS_LOG_ number. It goes on
    // until cancel() or the end of the queue. f runs on the thread that polls the queue;
    // it must not throw, and not wait for operations of the queue.
    operation<void> log(std::int32_t level, std::function<void(std::string_view)> f) {
        return start<void>([level](pgqrs_handle cq, std::uint64_t id, pgqrs_handle *op, pgqrs_handle *failure) {
            return pgqrs_log_subscribe(level, cq, id, op, failure);
        }, [](unique_handle) {}, [f = std::move(f)](unique_handle line) { f(detail::document(std::move(line))); });
    }

  private:
    void drive() {
        for (;;) {
            poll();
            const std::int32_t status = pgqrs_cq_wait(handle_.get(), -1);
            if (status < 0) return end(status);
        }
    }
    void finish(const pgqrs_completion &c) {
        if (c.flags & PGQRS_CQE_MORE) {
            unique_handle result(c.result);
            if (auto state = find(c.user_data)) state->more(std::move(result));
            return;
        }
        detail::outcome outcome(c.status, c.result, c.error);
        if (auto state = remove(c.user_data)) state->finish(std::move(outcome));
    }
    std::shared_ptr<detail::pending> find(std::uint64_t id) {
        std::lock_guard<std::mutex> lock(mutex_);
        const auto found = waiting_.find(id);
        return found == waiting_.end() ? nullptr : found->second;
    }
    std::shared_ptr<detail::pending> remove(std::uint64_t id) {
        std::lock_guard<std::mutex> lock(mutex_);
        const auto found = waiting_.find(id);
        if (found == waiting_.end()) return nullptr;
        auto state = std::move(found->second);
        waiting_.erase(found);
        return state;
    }
    void end(std::int32_t status) {
        std::unordered_map<std::uint64_t, std::shared_ptr<detail::pending>> waiting;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            waiting.swap(waiting_);
        }
        if (status == PGQRS_E_HANDLE) status = PGQRS_E_CLOSED; // closed between two calls
        for (auto &each : waiting) each.second->finish(detail::outcome(status, 0, 0));
    }

    const pump by_;
    unique_handle handle_;
    std::thread thread_;
    std::mutex mutex_; // guards the rest
    std::unordered_map<std::uint64_t, std::shared_ptr<detail::pending>> waiting_;
    std::uint64_t last_ = 0;
};

inline bool detail::pending::wait_until(std::chrono::steady_clock::time_point when) const {
    using namespace std::chrono;
    if (!queue_.manual()) {
        std::unique_lock<std::mutex> lock(mutex_);
        return done_.wait_until(lock, when, [this] { return outcome_ != nullptr; });
    }
    while (!ready()) {
        const auto left = ceil<milliseconds>(when - steady_clock::now());
        if (left <= milliseconds(0)) return false;
        queue_.run_one(left);
    }
    return true;
}

inline void detail::pending::wait() const {
    if (queue_.manual()) {
        while (!ready()) queue_.run_one();
        return;
    }
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return outcome_ != nullptr; });
}

// ---- Stores, producers, consumers -------------------------------------------------

struct worker_options {
    std::string hostname; // a label; empty: this host's name
    std::int32_t port = 0;
    bool ephemeral = false; // leaves no row behind
};

struct enqueue_options {
    milliseconds delay{0};
    instant at{}; // not 0: visible from this instant, and delay is ignored
    // One for each message, empty for none; or no keys at all. While the queue
    // remembers a key, nothing is stored with it and the first id is answered: a call
    // whose every message has one may be repeated after any error.
    std::vector<std::string_view> dedup_keys;
};

struct dequeue_options {
    std::uint32_t batch = 1;
    milliseconds lease{0}; // 0: the store's default
    milliseconds wait{0};  // for a first message; negative: for ever
    bool auto_extend = false;
};

struct filter {
    std::string queue;   // of runs: their workflow
    std::string payload; // a JSON document that payloads contain
    std::int64_t worker_id = 0;
    bool dead_only = false;
    std::int64_t limit = 0, offset = 0;
    std::int32_t min_read_ct = 0;
    milliseconds older_than{0}; // purges, health and reclaim; 0: their default
    std::int64_t run_id = 0;    // of steps
    std::string status;         // of runs, for example "paused"
};

// Statements that store messages in a PostgreSQL transaction of the caller's own.
enum class statement : std::int32_t {
    enqueue = PGQRS_SQL_ENQUEUE,             // queue, payload, delay_ms, dedup_key
    enqueue_batch = PGQRS_SQL_ENQUEUE_BATCH, // queue, payloads, delay_ms, dedup_keys
};

namespace detail {
inline std::string sql(pgqrs_handle store, std::string_view schema, statement which) {
    const pgqrs_str name = view(schema);
    pgqrs_str text{};
    pgqrs_handle result = 0, failure = 0;
    const std::int32_t status =
        pgqrs_sql_text(store, &name, static_cast<std::int32_t>(which), &text, &result, &failure);
    check(status, failure);
    unique_handle owner(result);
    return std::string(text.data, text.len);
}
} // namespace detail

// The text of a statement for the schema the tables are in; empty: public. No store is
// open. PGQRS_SQL_ENQUEUE in pgqrs.h says what the placeholders are.
inline std::string sql(statement which, std::string_view schema = {}) { return detail::sql(0, schema, which); }

// What a handle of the library and its queue can do in general.
class object {
  public:
    object(completion_queue &queue, unique_handle handle) : queue_(&queue), handle_(std::move(handle)) {}
    pgqrs_handle handle() const noexcept { return handle_.get(); }

    // Any function of pgqrs.h whose first parameter is this object and whose last
    // four are (cq, user_data, op, error), for example
    // store.json(pgqrs_run_get, run_id). Texts are given as std::string_view.
    template <class F, class... Args> operation<std::string> json(F f, Args... args) {
        return call<std::string>(f, text, args...);
    }
    template <class F, class... Args> operation<void> run(F f, Args... args) {
        return call<void>(f, [](unique_handle) {}, args...);
    }
    template <class F, class... Args> operation<std::int64_t> count(F f, Args... args) {
        return call<std::int64_t>(f, number, args...);
    }
    template <class F, class... Args> operation<messages> list(F f, Args... args) {
        return call<messages>(f, [](unique_handle r) { return messages(std::move(r)); }, args...);
    }

  protected:
    template <class T, class F, class... Args>
    operation<T> call(F f, typename operation<T>::reader read, Args... args) {
        const std::tuple<decltype(argument(args))...> given(argument(args)...);
        return queue_->start<T>([&](pgqrs_handle cq, std::uint64_t id, pgqrs_handle *op, pgqrs_handle *failure) {
            return std::apply([&](const auto &...a) { return f(handle(), pass(a)..., cq, id, op, failure); }, given);
        }, std::move(read));
    }
    static std::int64_t number(unique_handle result) { // {"count":n}
        const std::string document = text(std::move(result));
        return std::stoll(document.substr(document.find(':') + 1));
    }
    static std::string text(unique_handle result) { return detail::document(std::move(result)); }

    completion_queue *queue_;

  private:
    static pgqrs_str argument(std::string_view text) { return detail::view(text); }
    template <class A, class = std::enable_if_t<!std::is_convertible_v<A, std::string_view>>> static A argument(A a) { return a; }
    static const pgqrs_str *pass(const pgqrs_str &text) { return &text; }
    template <class A> static const A &pass(const A &a) { return a; }

    unique_handle handle_;
};

// What producers and consumers have in common.
class worker : public object {
  public:
    using object::object;
    std::int64_t id() const {
        std::int64_t id = 0;
        check(pgqrs_worker_id(handle(), &id));
        return id;
    }
    // Tells that a loop that takes messages begins, or has ended: the status is polling.
    operation<void> poll(bool begins) { return run(pgqrs_worker_poll, std::int32_t{begins}); }
    operation<void> heartbeat() { return run(pgqrs_worker_heartbeat); }
    operation<void> suspend() { return run(pgqrs_worker_suspend); }
    operation<void> resume() { return run(pgqrs_worker_resume); }
    operation<void> interrupt() { return run(pgqrs_worker_interrupt); }
    operation<void> shutdown() { return run(pgqrs_worker_shutdown); }
    // "ready", "polling", "suspended", "interrupted" or "stopped".
    operation<std::string> status() {
        return call<std::string>(pgqrs_worker_status, [](unique_handle r) { // {"status":"ready"}
            const std::string document = text(std::move(r));
            const auto from = document.find(":\"") + 2;
            return document.substr(from, document.find('"', from) - from);
        });
    }
};

class producer : public worker {
  public:
    using worker::worker;
    // Stores one JSON document and answers its id after the commit.
    operation<std::int64_t> enqueue(std::string_view payload, const enqueue_options &options = {}) {
        return store<std::int64_t>({payload}, options, [](unique_handle r) { return ids(std::move(r)).at(0); });
    }
    // Stores all or none and answers their ids in input order.
    operation<std::vector<std::int64_t>> enqueue_batch(const std::vector<std::string_view> &payloads,
                                                       const enqueue_options &options = {}) {
        return store<std::vector<std::int64_t>>(payloads, options, ids);
    }

  private:
    template <class T>
    operation<T> store(const std::vector<std::string_view> &payloads, const enqueue_options &given,
                       typename operation<T>::reader read) {
        if (!given.dedup_keys.empty() && given.dedup_keys.size() != payloads.size())
            throw std::invalid_argument("dedup_keys: give one for each message, empty for none");
        const auto views = detail::views(payloads), keys = detail::views(given.dedup_keys);
        pgqrs_enqueue_options options;
        PGQRS_INIT(&options);
        options.dedup_keys = keys.empty() ? nullptr : keys.data();
        options.delay_ms = given.delay.count();
        options.at = given.at.time_since_epoch().count();
        return call<T>(pgqrs_enqueue, std::move(read), views.data(), static_cast<std::uint32_t>(views.size()), &options);
    }
    static std::vector<std::int64_t> ids(unique_handle result) {
        pgqrs_list list{};
        check(pgqrs_result_ids(result.get(), &list));
        const auto *first = static_cast<const std::int64_t *>(list.items);
        return {first, first + list.count};
    }
};

class consumer : public worker {
  public:
    using worker::worker;
    using tokens = std::vector<token>;
    using outcomes = std::vector<bool>;

    // A sign of life: leases that are kept alive (auto_extend) stay so for span from now.
    // Answers how many; asks no database.
    std::int32_t keep(const tokens &list, milliseconds span) {
        if (list.empty()) return 0;
        const auto given = twins(list);
        pgqrs_handle failure = 0;
        const std::int32_t kept =
            pgqrs_consumer_keep(handle(), given.data(), static_cast<std::uint32_t>(given.size()), span.count(), &failure);
        check(kept, failure);
        return kept;
    }
    // Calls told with each lease that was kept alive and lost all the same, until the
    // operation is cancelled or the consumer ends: it ends with an error, CANCELLED or
    // CLOSED. told must not throw, and not wait for operations of the queue.
    operation<void> losses(std::function<void(token)> told) {
        return queue_->start<void>([this](pgqrs_handle cq, std::uint64_t id, pgqrs_handle *op, pgqrs_handle *failure) {
            return pgqrs_consumer_losses(handle(), cq, id, op, failure);
        }, [](unique_handle) {}, [told = std::move(told)](unique_handle result) {
            pgqrs_list list{};
            if (pgqrs_result_tokens(result.get(), &list) != PGQRS_OK) return;
            for (std::uint32_t i = 0; i < list.count; i++) {
                const auto &t = detail::item<pgqrs_token>(list, i);
                told({t.id, t.read_ct});
            }
        });
    }
    operation<messages> dequeue(const dequeue_options &given = {}) {
        pgqrs_dequeue_options options;
        PGQRS_INIT(&options);
        options.flags = given.auto_extend ? PGQRS_DEQUEUE_AUTO_EXTEND : 0;
        options.batch = given.batch;
        options.lease_ms = given.lease.count();
        options.wait_ms = given.wait.count() < 0 ? -1 : given.wait.count();
        return list(pgqrs_dequeue, &options);
    }
    // Each acknowledgement answers whether it took effect; lists in input order.
    operation<bool> archive(token t) { return one(pgqrs_archive, t); }
    operation<bool> remove(token t) { return one(pgqrs_delete, t); }
    operation<bool> extend(token t, milliseconds by) { return one(pgqrs_extend_vt, t, std::int64_t{by.count()}); }
    operation<bool> release(token t) { return one(pgqrs_release, t, static_cast<const pgqrs_release_options *>(nullptr)); }
    operation<outcomes> archive_many(const tokens &list) { return many(pgqrs_archive, list); }
    operation<outcomes> remove_many(const tokens &list) { return many(pgqrs_delete, list); }
    operation<outcomes> extend_many(const tokens &list, milliseconds by) {
        return many(pgqrs_extend_vt, list, std::int64_t{by.count()});
    }
    operation<outcomes> release_many(const tokens &list) {
        return many(pgqrs_release, list, static_cast<const pgqrs_release_options *>(nullptr));
    }

  private:
    template <class F, class... Args> operation<bool> one(F f, token t, Args... args) {
        return acknowledge<bool>(f, [](unique_handle r) { return bool(read(std::move(r)).at(0)); }, {t}, args...);
    }
    template <class F, class... Args> operation<outcomes> many(F f, const tokens &list, Args... args) {
        return acknowledge<outcomes>(f, read, list, args...);
    }
    template <class T, class F, class... Args>
    operation<T> acknowledge(F f, typename operation<T>::reader result, const tokens &given, Args... args) {
        const auto list = twins(given);
        return call<T>(f, std::move(result), list.data(), static_cast<std::uint32_t>(list.size()), args...);
    }
    static std::vector<pgqrs_token> twins(const tokens &list) {
        std::vector<pgqrs_token> all;
        for (auto t : list) all.push_back({t.id, t.read_ct, 0});
        return all;
    }
    static outcomes read(unique_handle result) {
        pgqrs_list list{};
        check(pgqrs_result_outcomes(result.get(), &list));
        const auto *first = static_cast<const std::int32_t *>(list.items);
        outcomes all;
        for (std::uint32_t i = 0; i < list.count; i++) all.push_back(first[i] == PGQRS_OK);
        return all;
    }
};

// One attempt at a run. What it writes takes effect only while the run is running it;
// else it answers PAUSED, RUN_CANCELLED or STATE_TRANSITION.
struct attempt {
    std::int64_t run_id = 0;
    std::int32_t number = 0;
    std::string run; // as it was started: a JSON object as pgqrs.h describes it
};

class store : public object {
  public:
    using object::object;

    // Opens a store by DSN; bootstrap installs the schema as well.
    static operation<store> open(completion_queue &queue, std::string_view dsn, bool bootstrap = false) {
        pgqrs_store_options options;
        PGQRS_INIT(&options);
        options.dsn = detail::view(dsn);
        options.flags = bootstrap ? PGQRS_STORE_BOOTSTRAP : 0;
        return queue.start<store>([&](pgqrs_handle cq, std::uint64_t id, pgqrs_handle *op, pgqrs_handle *failure) {
            return pgqrs_store_open(&options, cq, id, op, failure);
        }, [&queue](unique_handle h) { return store(queue, std::move(h)); });
    }
    // Ends the store and every producer and consumer opened through it.
    operation<void> stop() { return run(pgqrs_store_stop); }
    operation<void> install() { return run(pgqrs_store_install); }
    operation<void> verify() { return run(pgqrs_store_verify); }
    operation<void> uninstall() { return run(pgqrs_store_uninstall); }
    operation<std::string> activity() { return json(pgqrs_store_activity); }
    operation<std::string> inspect() { return json(pgqrs_store_inspect); }
    operation<std::string> stats() { return json(pgqrs_store_stats); }
    // The text of a statement for the schema of this store; SQLite answers UNSUPPORTED.
    std::string sql(statement which) const { return detail::sql(handle(), {}, which); }

    operation<pgqrs::producer> open_producer(std::string_view queue, const worker_options &o = {}) {
        return registered<pgqrs::producer>(pgqrs_producer_open, queue, o);
    }
    operation<pgqrs::consumer> open_consumer(std::string_view queue, const worker_options &o = {}) {
        return registered<pgqrs::consumer>(pgqrs_consumer_open, queue, o);
    }

    // Queues are JSON objects: {"id", "queue_name", "created_at", "max_read_ct"}.
    operation<std::string> create_queue(std::string_view name, std::int32_t max_read_ct = 0) {
        return created(pgqrs_queue_create, name, max_read_ct);
    }
    operation<std::string> get_queue(std::int64_t id) { return json(pgqrs_queue_by_id, id); }
    operation<std::int64_t> count_queues() { return counted(pgqrs_queue_count, {}); }
    operation<std::string> get_queue(std::string_view name) { return json(pgqrs_queue_get, name); }
    operation<std::string> list_queues(const filter &f = {}) { return rows<std::string>(pgqrs_queue_list, text, f); }
    operation<void> delete_queue(std::string_view name) { return run(pgqrs_queue_delete, name); }
    operation<std::int64_t> purge_queue(std::string_view name) { return count(pgqrs_queue_purge, name); }
    // A JSON array of counts, of one queue (filter.queue) or of each.
    operation<std::string> metrics(const filter &f = {}) { return rows<std::string>(pgqrs_queue_metrics, text, f); }

    operation<messages> get_message(std::int64_t id) { return list(pgqrs_message_get, id); }
    operation<std::int64_t> count_messages(const filter &f = {}) { return counted(pgqrs_message_count, f); }
    operation<messages> list_messages(const filter &f = {}) { return rows<messages>(pgqrs_message_list, read, f); }
    operation<messages> get_archived(std::int64_t id) { return list(pgqrs_archive_get, id); }
    operation<messages> list_archived(const filter &f = {}) { return rows<messages>(pgqrs_archive_list, read, f); }
    operation<void> dead_letter(std::int64_t id) { return run(pgqrs_message_dead_letter, id); }
    operation<void> replay(std::int64_t id) { return run(pgqrs_archive_replay, id); }
    operation<void> delete_archived(std::int64_t id) { return run(pgqrs_archive_delete, id); }
    operation<std::int64_t> count_archived(const filter &f = {}) { return counted(pgqrs_archive_count, f); }
    // Removes for good what all that is given of queue, worker_id, older_than and
    // dead_only says; one must be given.
    operation<std::int64_t> purge_archive(const filter &f) { return counted(pgqrs_archive_purge, f); }
    // Takes leases back from workers without a heartbeat for older_than.
    operation<std::int64_t> reclaim(const filter &f = {}) { return counted(pgqrs_message_reclaim, f); }

    // Workers are JSON objects, and their counts arrays with one a queue: see pgqrs.h.
    operation<std::string> get_worker(std::int64_t id) { return json(pgqrs_worker_get, id); }
    operation<std::string> list_workers(const filter &f = {}) { return rows<std::string>(pgqrs_worker_list, text, f); }
    operation<std::int64_t> count_workers(const filter &f = {}) { return counted(pgqrs_worker_count, f); }
    operation<std::string> worker_stats(const filter &f = {}) { return rows<std::string>(pgqrs_worker_stats, text, f); }
    operation<std::string> worker_health(const filter &f = {}) { return rows<std::string>(pgqrs_worker_health, text, f); }
    operation<void> delete_worker(std::int64_t id) { return run(pgqrs_worker_delete, id); }
    // Stops a worker from outside and answers how many leases of it were given back.
    operation<std::int64_t> release_worker(std::int64_t id) { return count(pgqrs_worker_release, id); }
    operation<std::int64_t> purge_workers(const filter &f = {}) { return counted(pgqrs_worker_purge, f); }

    // Workflows, runs and steps are JSON objects as pgqrs.h describes them; inputs and
    // outputs are JSON documents.
    operation<std::string> create_workflow(std::string_view name, std::int32_t max_read_ct = 0) {
        return created(pgqrs_workflow_create, name, max_read_ct);
    }
    operation<std::string> get_workflow(std::string_view name) { return json(pgqrs_workflow_get, name); }
    operation<std::string> get_workflow(std::int64_t id) { return json(pgqrs_workflow_by_id, id); }
    operation<std::string> list_workflows(const filter &f = {}) { return rows<std::string>(pgqrs_workflow_list, text, f); }
    operation<std::int64_t> count_workflows() { return counted(pgqrs_workflow_count, {}); }
    operation<std::string> trigger(std::string_view workflow, std::string_view input) {
        return json(pgqrs_run_trigger, workflow, input);
    }
    operation<std::string> get_run(std::int64_t id) { return json(pgqrs_run_get, id); }
    operation<std::string> list_runs(const filter &f = {}) { return rows<std::string>(pgqrs_run_list, text, f); }
    operation<std::int64_t> count_runs(const filter &f = {}) { return counted(pgqrs_run_count, f); }
    operation<std::string> pause_run(std::int64_t id) { return json(pgqrs_run_pause, id); }
    operation<std::string> resume_run(std::int64_t id) { return json(pgqrs_run_resume, id); }
    operation<std::string> cancel_run(std::int64_t id) { return json(pgqrs_run_cancel, id); }
    // Begins the next attempt of a run; message_id is the message that carries it.
    operation<attempt> start_run(std::int64_t id, std::int64_t message_id = 0) {
        return call<attempt>(pgqrs_run_start, [id](unique_handle r) {
            std::string run = text(std::move(r));
            const std::string member = "\"attempt\":"; // comes before what others have written
            const auto number = std::stoi(run.substr(run.find(member) + member.size()));
            return attempt{id, number, std::move(run)};
        }, id, message_id);
    }
    operation<std::string> complete_run(const attempt &a, std::string_view output) {
        return json(pgqrs_run_complete, a.run_id, a.number, output);
    }
    operation<std::string> fail_run(const attempt &a, std::string_view reason) {
        return json(pgqrs_run_fail, a.run_id, a.number, reason);
    }
    // A JSON object {"result": "execute" or "skipped", "step"}; max_attempts 0: 3.
    operation<std::string> acquire_step(const attempt &a, std::string_view step, std::int32_t max_attempts = 0) {
        return json(pgqrs_step_acquire, a.run_id, a.number, step, max_attempts);
    }
    operation<std::string> complete_step(const attempt &a, std::string_view step, std::string_view output) {
        return json(pgqrs_step_complete, a.run_id, a.number, step, output);
    }
    // It may be acquired again after retry; negative: it has failed for good.
    operation<std::string> fail_step(const attempt &a, std::string_view step, std::string_view reason,
                                     milliseconds retry = milliseconds(-1)) {
        return json(pgqrs_step_fail, a.run_id, a.number, step, reason, std::int64_t{retry.count() < 0 ? -1 : retry.count()});
    }
    operation<std::string> get_step(std::int64_t id) { return json(pgqrs_step_get, id); }
    operation<std::string> list_steps(const filter &f = {}) { return rows<std::string>(pgqrs_step_list, text, f); }
    operation<std::int64_t> count_steps(const filter &f = {}) { return counted(pgqrs_step_count, f); }

  private:
    static messages read(unique_handle r) { return messages(std::move(r)); }
    template <class F> operation<std::int64_t> counted(F f, const filter &given) {
        return rows<std::int64_t>(f, number, given);
    }
    template <class F> operation<std::string> created(F f, std::string_view name, std::int32_t max_read_ct) {
        pgqrs_queue_options options;
        PGQRS_INIT(&options);
        options.max_read_ct = max_read_ct;
        return json(f, name, &options);
    }
    template <class T, class F> operation<T> registered(F f, std::string_view queue, const worker_options &given) {
        pgqrs_worker_options options;
        PGQRS_INIT(&options);
        options.hostname = detail::view(given.hostname);
        options.port = given.port;
        options.flags = given.ephemeral ? PGQRS_WORKER_EPHEMERAL : 0;
        return call<T>(f, [queue = queue_](unique_handle h) { return T(*queue, std::move(h)); }, queue, &options);
    }
    template <class T, class F> operation<T> rows(F f, typename operation<T>::reader result, const filter &given) {
        pgqrs_table_options options;
        PGQRS_INIT(&options);
        options.flags = given.dead_only ? PGQRS_FILTER_DEAD_ONLY : 0;
        options.queue = detail::view(given.queue);
        options.payload = detail::view(given.payload);
        options.worker_id = given.worker_id;
        options.limit = given.limit;
        options.offset = given.offset;
        options.min_read_ct = given.min_read_ct;
        options.older_than_ms = given.older_than.count();
        options.run_id = given.run_id;
        options.status = detail::view(given.status);
        return call<T>(f, std::move(result), &options);
    }
};

// The version of the library.
inline std::string version() { return pgqrs_version(); }

// Ends the library for good, before the process does. False: something still runs,
// and the process may exit all the same.
inline bool shutdown(milliseconds timeout) noexcept { return pgqrs_shutdown_wait(timeout.count()) == PGQRS_OK; }

} // namespace pgqrs

#endif // PGQRS_HPP
