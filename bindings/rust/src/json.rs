//! As much JSON as the documents of the library need.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As it is written: integers have all their digits.
    Number(String),
    Text(String),
    Array(Vec<Value>),
    Object(BTreeMap<String, Value>),
}

impl Value {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.get(name),
            _ => None,
        }
    }

    /// The member of that name, which is an integer.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Value::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// The member of that name, which is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(elements) => Some(elements),
            _ => None,
        }
    }
}

/// Reads a document, whole.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut parser = Parser { rest: text };
    let value = parser.value()?;
    parser.space();
    parser.rest.is_empty().then_some(value)
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn take(&mut self, word: &str) -> Option<()> {
        self.space();
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    fn split(&mut self, at: usize) -> &'a str {
        let (first, rest) = self.rest.split_at(at);
        self.rest = rest;
        first
    }

    fn value(&mut self) -> Option<Value> {
        self.space();
        match self.rest.chars().next()? {
            '{' => {
                let members = self.list('{', '}', |p| {
                    let name = p.string()?;
                    p.take(":")?;
                    Some((name, p.value()?))
                });
                members.map(|m| Value::Object(m.into_iter().collect()))
            }
            '[' => self.list('[', ']', Parser::value).map(Value::Array),
            '"' => self.string().map(Value::Text),
            'n' => self.take("null").map(|()| Value::Null),
            't' => self.take("true").map(|()| Value::Bool(true)),
            'f' => self.take("false").map(|()| Value::Bool(false)),
            _ => {
                let end = self.rest.find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c));
                let number = self.split(end.unwrap_or(self.rest.len()));
                number.parse::<f64>().is_ok().then(|| Value::Number(number.into()))
            }
        }
    }

    fn list<T>(&mut self, open: char, close: char, one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut all = Vec::new();
        self.rest = self.rest.strip_prefix(open)?;
        self.space();
        while !self.rest.starts_with(close) {
            if !all.is_empty() {
                self.take(",")?;
            }
            all.push(one(self)?);
            self.space();
        }
        self.split(close.len_utf8());
        Some(all)
    }

    fn string(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut text = String::new();
        loop {
            text += self.split(self.rest.find(['"', '\\'])?);
            if self.split(1) == "\"" {
                return Some(text);
            }
            let escape = self.rest.chars().next()?;
            self.split(escape.len_utf8());
            text.push(match escape {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => self.unicode()?,
                itself => itself,
            });
        }
    }

    fn unicode(&mut self) -> Option<char> {
        let first = self.unit()?;
        let mut units = vec![first];
        if (0xD800..0xDC00).contains(&first) {
            self.rest = self.rest.strip_prefix("\\u")?;
            units.push(self.unit()?);
        }
        char::decode_utf16(units).next()?.ok()
    }

    fn unit(&mut self) -> Option<u16> {
        u16::from_str_radix(self.rest.get(..4).map(|_| self.split(4))?, 16).ok()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Number(digits) => f.write_str(digits),
            Value::Text(text) => quoted(f, text),
            Value::Array(elements) => {
                for (i, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if i == 0 { "[" } else { "," })?;
                }
                f.write_str(if elements.is_empty() { "[]" } else { "]" })
            }
            Value::Object(members) => {
                f.write_str("{")?;
                for (i, (name, member)) in members.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { "," })?;
                    quoted(f, name)?;
                    write!(f, ":{member}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quoted(f: &mut fmt::Formatter, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            c if c < ' ' => write!(f, "\\u{:04x}", c as u32)?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_and_others_refused() {
        let value = parse(r#" {"a": [1, -2.5e3, null, true], "b": "\u00e4\ud83d\ude00\n", "c": {}} "#).unwrap();
        assert_eq!(value.text("b"), Some("ä😀\n"));
        let elements = value.get("a").and_then(Value::array).unwrap();
        assert!(matches!(
            elements,
            [Value::Number(_), Value::Number(_), Value::Null, Value::Bool(true)]
        ));
        assert_eq!(
            parse(r#"{"n":9223372036854775807}"#).unwrap().integer("n"),
            Some(i64::MAX)
        );
        for broken in [
            "",
            "{",
            "[1,]",
            "[1 2]",
            "{\"a\"}",
            "\"\\u12\"",
            "\"\\ud800\"",
            "nul",
            "1 2",
            "x",
            "[,1]",
        ] {
            assert!(parse(broken).is_none(), "{broken}");
        }
    }
}
