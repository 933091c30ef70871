// vectors.cpp - runs the vectors of tests/vectors; the README there says how.
//
//     vectors DIRECTORY < lines of "FILE/NAME DSN"

#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>

#include "json.hpp"
#include "pgqrs.hpp"

using json::value;

namespace {

const std::map<std::int32_t, std::string> statuses = {
    {PGQRS_E_QUEUE_NOT_FOUND, "QUEUE_NOT_FOUND"}, {PGQRS_E_QUEUE_EXISTS, "QUEUE_EXISTS"},
    {PGQRS_E_MESSAGE_NOT_FOUND, "MESSAGE_NOT_FOUND"}, {PGQRS_E_STATE_TRANSITION, "STATE_TRANSITION"},
    {PGQRS_E_SERIALIZATION, "SERIALIZATION"}, {PGQRS_E_VALIDATION, "VALIDATION"},
    {PGQRS_E_WORKFLOW_EXISTS, "WORKFLOW_EXISTS"}, {PGQRS_E_WORKFLOW_NOT_FOUND, "WORKFLOW_NOT_FOUND"},
    {PGQRS_E_PAUSED, "PAUSED"}, {PGQRS_E_RUN_CANCELLED, "RUN_CANCELLED"},
    {PGQRS_E_STEP_NOT_READY, "STEP_NOT_READY"}, {PGQRS_E_RETRIES_EXHAUSTED, "RETRIES_EXHAUSTED"},
};

value row(const pgqrs::message &m) {
    const value reason = m.dead_reason.empty() ? value(nullptr) : value(std::string(m.dead_reason));
    return json::object{{"id", m.id}, {"payload", json::parse(std::string(m.payload))},
                        {"read_ct", std::int64_t{m.read_ct}}, {"dead_reason", reason}};
}

value rows(const pgqrs::messages &list) {
    json::array all;
    for (const auto &m : list) all.push_back(row(m));
    return all;
}

value booleans(const std::vector<bool> &list) {
    json::array all;
    for (bool b : list) all.push_back(value(b));
    return all;
}

// Of an object only the members that are given count.
bool contains(const value &have, const value &want) {
    if (const auto *members = std::get_if<json::object>(&want)) {
        for (const auto &m : *members) {
            const value *found = have.find(m.first);
            if (!found || !contains(*found, m.second)) return false;
        }
        return true;
    }
    if (const auto *list = std::get_if<json::array>(&want)) {
        const auto *other = std::get_if<json::array>(&have);
        if (!other || other->size() != list->size()) return false;
        for (std::size_t i = 0; i < list->size(); i++)
            if (!contains((*other)[i], (*list)[i])) return false;
        return true;
    }
    return have == want;
}

// The store of one vector, and the names its steps have given.
class session {
  public:
    session(pgqrs::completion_queue &queue, const std::string &dsn)
        : store_(pgqrs::store::open(queue, dsn, true).get()) {}
    ~session() {
        try {
            store_.stop().get();
        } catch (const pgqrs::error &) { // the vector has failed already
        }
    }

    void run(const value &raw) {
        const value step = resolve(raw);
        const std::string what = json::write(step), wanted = step.text("error");
        value result = nullptr;
        try {
            result = operations.at(step.text("do"))(*this, step);
        } catch (const pgqrs::error &e) {
            const auto name = statuses.find(e.code());
            if (wanted.empty() || name == statuses.end() || name->second != wanted)
                throw std::runtime_error(what + ": " + std::to_string(e.code()) + ", " + e.what());
            return;
        }
        if (!wanted.empty()) throw std::runtime_error(what + ": did not fail");
        if (const value *want = step.find("expect"))
            if (!contains(result, *want)) throw std::runtime_error(what + ": the result is " + json::write(result));
        if (!step.text("as").empty()) named_[step.text("as")] = std::move(result);
    }

  private:
    using operation = std::function<value(session &, const value &)>;
    static const std::map<std::string, operation> operations;

    value resolve(const value &v) const {
        if (const auto *text = std::get_if<std::string>(&v); text && text->rfind('$', 0) == 0) {
            std::istringstream path(text->substr(1));
            std::string part;
            std::getline(path, part, '.');
            const value *found = &named_.at(part);
            while (std::getline(path, part, '.')) {
                const auto *list = std::get_if<json::array>(found);
                found = list ? &list->at(std::stoul(part)) : found->find(part);
            }
            return *found;
        }
        if (const auto *list = std::get_if<json::array>(&v)) {
            json::array out;
            for (const auto &e : *list) out.push_back(resolve(e));
            return out;
        }
        if (const auto *members = std::get_if<json::object>(&v)) {
            json::object out;
            for (const auto &m : *members) out[m.first] = resolve(m.second);
            return out;
        }
        return v;
    }

    pgqrs::consumer &consumer(const value &step) { return consumers_.at(step.text("with")); }
    pgqrs::producer &producer(const value &step) { return producers_.at(step.text("with")); }
    pgqrs::worker &worker(const value &step) {
        const auto found = consumers_.find(step.text("with"));
        return found != consumers_.end() ? static_cast<pgqrs::worker &>(found->second) : producer(step);
    }
    static pgqrs::milliseconds span(const value &step, const char *name) { return pgqrs::milliseconds(step.integer(name)); }
    static pgqrs::consumer::tokens tokens(const value &step) {
        pgqrs::consumer::tokens all;
        for (const auto &id : step.list("ids")) all.push_back({id.integer(), 0});
        return all;
    }
    const pgqrs::attempt &attempt(const value &step) { return attempts_.at(step.text("with")); }
    static std::string document(const value &step, const char *name) { return json::write(*step.find(name)); }
    static pgqrs::filter filter(const value &step) {
        pgqrs::filter f;
        f.queue = step.text("queue");
        if (const value *payload = step.find("contains")) f.payload = json::write(*payload);
        f.dead_only = step.find("dead_only") != nullptr;
        f.status = step.text("status");
        if (const value *workflow = step.find("workflow")) f.queue = std::get<std::string>(*workflow);
        return f;
    }

    pgqrs::store store_;
    std::map<std::string, value> named_;
    std::map<std::string, pgqrs::producer> producers_;
    std::map<std::string, pgqrs::consumer> consumers_;
    std::map<std::string, pgqrs::attempt> attempts_;
};

template <class F> auto nothing(F f) {
    return [f](auto &s, const value &step) {
        f(s, step);
        return value(nullptr);
    };
}

// What f answers is a JSON document.
template <class F> auto parsed(F f) {
    return [f](auto &s, const value &step) { return json::parse(f(s, step).get()); };
}

template <class F> auto acknowledge(F f) {
    return [f](auto &s, const value &step) { // the library takes no empty list
        return step.list("ids").empty() ? value(json::array{}) : booleans(f(s, step));
    };
}

const std::map<std::string, session::operation> session::operations = {
    {"create_queue", [](session &s, const value &v) {
        return json::parse(s.store_.create_queue(v.text("queue"), static_cast<std::int32_t>(v.integer("max_read_ct"))).get());
    }},
    {"get_queue", [](session &s, const value &v) { return json::parse(s.store_.get_queue(v.text("queue")).get()); }},
    {"list_queues", [](session &s, const value &) { return json::parse(s.store_.list_queues().get()); }},
    {"delete_queue", nothing([](session &s, const value &v) { s.store_.delete_queue(v.text("queue")).get(); })},
    {"purge_queue", [](session &s, const value &v) { return value(s.store_.purge_queue(v.text("queue")).get()); }},
    {"metrics", [](session &s, const value &v) {
        return std::get<json::array>(json::parse(s.store_.metrics(filter(v)).get())).at(0);
    }},
    {"producer", nothing([](session &s, const value &v) {
        s.producers_.emplace(v.text("as"), s.store_.open_producer(v.text("queue")).get());
    })},
    {"consumer", nothing([](session &s, const value &v) {
        s.consumers_.emplace(v.text("as"), s.store_.open_consumer(v.text("queue")).get());
    })},
    {"enqueue", [](session &s, const value &v) {
        pgqrs::enqueue_options options;
        options.delay = span(v, "delay_ms");
        const std::string key = v.text("dedup_key");
        if (!key.empty()) options.dedup_keys = {key};
        return value(s.producer(v).enqueue(json::write(*v.find("payload")), options).get());
    }},
    {"enqueue_batch", [](session &s, const value &v) {
        std::vector<std::string> texts;
        for (const auto &p : v.list("payloads")) texts.push_back(json::write(p));
        std::vector<std::string> keys;
        if (v.find("dedup_keys"))
            for (const auto &k : v.list("dedup_keys")) keys.push_back(std::get<std::string>(k));
        pgqrs::enqueue_options options;
        options.dedup_keys = {keys.begin(), keys.end()};
        json::array ids;
        for (auto id : s.producer(v).enqueue_batch({texts.begin(), texts.end()}, options).get()) ids.push_back(id);
        return value(ids);
    }},
    {"dequeue", [](session &s, const value &v) {
        pgqrs::dequeue_options options;
        options.batch = static_cast<std::uint32_t>(v.integer("batch"));
        options.lease = span(v, "lease_ms");
        options.wait = span(v, "wait_ms");
        return rows(s.consumer(v).dequeue(options).get());
    }},
    {"archive", acknowledge([](session &s, const value &v) { return s.consumer(v).archive_many(tokens(v)).get(); })},
    {"delete", acknowledge([](session &s, const value &v) { return s.consumer(v).remove_many(tokens(v)).get(); })},
    {"release", acknowledge([](session &s, const value &v) { return s.consumer(v).release_many(tokens(v)).get(); })},
    {"extend_vt", acknowledge([](session &s, const value &v) {
        return s.consumer(v).extend_many(tokens(v), span(v, "extend_ms")).get();
    })},
    {"suspend", nothing([](session &s, const value &v) { s.worker(v).suspend().get(); })},
    {"resume", nothing([](session &s, const value &v) { s.worker(v).resume().get(); })},
    {"interrupt", nothing([](session &s, const value &v) { s.worker(v).interrupt().get(); })},
    {"shutdown", nothing([](session &s, const value &v) { s.worker(v).shutdown().get(); })},
    {"status", [](session &s, const value &v) { return value(s.worker(v).status().get()); }},
    {"get_message", [](session &s, const value &v) { return row(s.store_.get_message(v.integer("id")).get()[0]); }},
    {"get_archived", [](session &s, const value &v) { return row(s.store_.get_archived(v.integer("id")).get()[0]); }},
    {"list_messages", [](session &s, const value &v) { return rows(s.store_.list_messages(filter(v)).get()); }},
    {"list_archived", [](session &s, const value &v) { return rows(s.store_.list_archived(filter(v)).get()); }},
    {"dead_letter", nothing([](session &s, const value &v) { s.store_.dead_letter(v.integer("id")).get(); })},
    {"replay", nothing([](session &s, const value &v) { s.store_.replay(v.integer("id")).get(); })},
    {"delete_archived", nothing([](session &s, const value &v) { s.store_.delete_archived(v.integer("id")).get(); })},
    {"create_workflow", parsed([](session &s, const value &v) {
        return s.store_.create_workflow(v.text("workflow"), static_cast<std::int32_t>(v.integer("max_read_ct")));
    })},
    {"get_workflow", parsed([](session &s, const value &v) { return s.store_.get_workflow(v.text("workflow")); })},
    {"list_workflows", parsed([](session &s, const value &) { return s.store_.list_workflows(); })},
    {"trigger", parsed([](session &s, const value &v) { return s.store_.trigger(v.text("workflow"), document(v, "input")); })},
    {"get_run", parsed([](session &s, const value &v) { return s.store_.get_run(v.integer("id")); })},
    {"pause_run", parsed([](session &s, const value &v) { return s.store_.pause_run(v.integer("id")); })},
    {"resume_run", parsed([](session &s, const value &v) { return s.store_.resume_run(v.integer("id")); })},
    {"cancel_run", parsed([](session &s, const value &v) { return s.store_.cancel_run(v.integer("id")); })},
    {"list_runs", parsed([](session &s, const value &v) { return s.store_.list_runs(filter(v)); })},
    {"start_run", [](session &s, const value &v) {
        auto started = s.store_.start_run(v.integer("id"), v.integer("message")).get();
        return json::parse((s.attempts_[v.text("as")] = std::move(started)).run);
    }},
    {"complete_run", parsed([](session &s, const value &v) { return s.store_.complete_run(s.attempt(v), document(v, "output")); })},
    {"fail_run", parsed([](session &s, const value &v) { return s.store_.fail_run(s.attempt(v), v.text("reason")); })},
    {"acquire_step", parsed([](session &s, const value &v) {
        return s.store_.acquire_step(s.attempt(v), v.text("step"), static_cast<std::int32_t>(v.integer("max_attempts")));
    })},
    {"complete_step", parsed([](session &s, const value &v) {
        return s.store_.complete_step(s.attempt(v), v.text("step"), document(v, "output"));
    })},
    {"fail_step", parsed([](session &s, const value &v) {
        const auto retry = v.find("retry_ms") ? span(v, "retry_ms") : pgqrs::milliseconds(-1);
        return s.store_.fail_step(s.attempt(v), v.text("step"), v.text("reason"), retry);
    })},
    {"list_steps", parsed([](session &s, const value &v) {
        pgqrs::filter f;
        f.run_id = v.integer("id");
        return s.store_.list_steps(f);
    })},
};

value vector(const std::string &directory, const std::string &name) {
    const auto slash = name.find('/');
    std::ifstream file(directory + "/" + name.substr(0, slash) + ".json");
    std::stringstream text;
    text << file.rdbuf();
    const value content = json::parse(text.str());
    for (const auto &v : content.list("vectors"))
        if (v.text("name") == name.substr(slash + 1)) return v;
    throw std::runtime_error("no such vector");
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int failed = 0;
    pgqrs::completion_queue queue;
    for (std::string name, dsn; std::cin >> name >> dsn;) {
        try {
            const value v = vector(argv[1], name);
            session s(queue, dsn);
            for (const auto &step : v.list("steps")) s.run(step);
            std::cout << "ok " << name << std::endl;
        } catch (const std::exception &e) {
            std::cout << "failed " << name << ": " << e.what() << std::endl;
            failed = 1;
        }
    }
    return failed;
}
