// json.hpp - as much JSON as the vectors need. For the tests only.
#ifndef PGQRS_TEST_JSON_HPP
#define PGQRS_TEST_JSON_HPP

#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace json {

struct value;
using array = std::vector<value>;
using object = std::map<std::string, value>;

struct number { // kept as it was written, compared by value
    std::string text;
    bool operator==(const number &other) const {
        return text == other.text || std::strtod(text.c_str(), nullptr) == std::strtod(other.text.c_str(), nullptr);
    }
};

struct value : std::variant<std::nullptr_t, bool, number, std::string, array, object> {
    using variant::variant;
    value(std::int64_t n) : variant(number{std::to_string(n)}) {}

    const value *find(const std::string &name) const {
        const auto *o = std::get_if<object>(this);
        const auto it = o ? o->find(name) : object::const_iterator{};
        return o && it != o->end() ? &it->second : nullptr;
    }
    std::string text(const std::string &name) const {
        const value *v = find(name);
        return v ? std::get<std::string>(*v) : "";
    }
    std::int64_t integer(const std::string &name) const {
        const value *v = find(name);
        return v ? v->integer() : 0;
    }
    std::int64_t integer() const { return std::stoll(std::get<number>(*this).text); }
    const array &list(const std::string &name) const { return std::get<array>(*find(name)); }
};

class parser {
  public:
    explicit parser(const std::string &text) : at_(text.c_str()) {}
    value all() {
        value v = one();
        space();
        if (*at_ != 0) fail();
        return v;
    }

  private:
    [[noreturn]] void fail() const { throw std::runtime_error(std::string("not JSON: ") + std::string(at_).substr(0, 40)); }
    void space() { at_ += std::strspn(at_, " \t\r\n"); }
    bool take(const char *word) {
        const std::size_t n = std::strlen(word);
        if (std::strncmp(at_, word, n) != 0) return false;
        at_ += n;
        return true;
    }
    bool more(const char *end) { // after an element
        space();
        if (take(end)) return false;
        if (!take(",")) fail();
        return true;
    }
    value one() {
        space();
        if (take("null")) return nullptr;
        if (take("true")) return true;
        if (take("false")) return false;
        if (*at_ == '"') return string();
        if (take("[")) {
            array list;
            space();
            if (take("]")) return list;
            do list.push_back(one());
            while (more("]"));
            return list;
        }
        if (take("{")) {
            object members;
            space();
            if (take("}")) return members;
            do {
                space();
                std::string name = string();
                space();
                if (!take(":")) fail();
                members[name] = one();
            } while (more("}"));
            return members;
        }
        const std::size_t n = std::strspn(at_, "+-0123456789.eE");
        if (n == 0) fail();
        number found{std::string(at_, n)};
        at_ += n;
        return found;
    }
    std::string string() {
        if (!take("\"")) fail();
        std::string out;
        while (*at_ != '"') {
            if (*at_ == 0) fail();
            if (*at_ != '\\') {
                out += *at_++;
                continue;
            }
            const char escape = at_[1];
            at_ += 2;
            static const char *from = "\"\\/bfnrt", *to = "\"\\/\b\f\n\r\t";
            if (escape == 'u') {
                append(out, static_cast<unsigned>(std::stoul(std::string(at_, 4), nullptr, 16)));
                at_ += 4;
            } else if (const char *known = std::strchr(from, escape)) {
                out += to[known - from];
            } else {
                fail();
            }
        }
        at_++;
        return out;
    }
    static void append(std::string &out, unsigned c) { // UTF-8; the vectors have no surrogates
        if (c < 0x80) {
            out += static_cast<char>(c);
        } else if (c < 0x800) {
            out += static_cast<char>(0xc0 | c >> 6);
            out += static_cast<char>(0x80 | (c & 0x3f));
        } else {
            out += static_cast<char>(0xe0 | c >> 12);
            out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
            out += static_cast<char>(0x80 | (c & 0x3f));
        }
    }

    const char *at_;
};

inline value parse(const std::string &text) { return parser(text).all(); }

inline std::string write(const value &v) {
    struct {
        std::string operator()(std::nullptr_t) const { return "null"; }
        std::string operator()(bool b) const { return b ? "true" : "false"; }
        std::string operator()(const number &n) const { return n.text; }
        std::string operator()(const std::string &s) const {
            std::string out = "\"";
            for (char c : s) {
                static const char *hex = "0123456789abcdef";
                const auto byte = static_cast<unsigned char>(c);
                if (c == '"' || c == '\\') {
                    out += '\\';
                    out += c;
                } else if (byte < 0x20) {
                    out += std::string("\\u00") + hex[byte >> 4] + hex[byte & 15];
                } else {
                    out += c;
                }
            }
            return out + '"';
        }
        std::string operator()(const array &list) const {
            std::string out;
            for (const auto &e : list) out += (out.empty() ? "" : ",") + write(e);
            return "[" + out + "]";
        }
        std::string operator()(const object &members) const {
            std::string out;
            for (const auto &m : members) out += (out.empty() ? "" : ",") + (*this)(m.first) + ":" + write(m.second);
            return "{" + out + "}";
        }
    } writer;
    const std::variant<std::nullptr_t, bool, number, std::string, array, object> &plain = v;
    return std::visit(writer, plain);
}

} // namespace json

#endif
