//! Compares the twins with what a C compiler says of the header (tests/abi).

use std::collections::BTreeMap;

use crate::json::{parse, Value};
use crate::sys::{CONSTANTS, LAYOUT};

fn numbers<'a>(pairs: impl IntoIterator<Item = (&'a str, i64)>) -> BTreeMap<String, i64> {
    pairs
        .into_iter()
        .map(|(name, number)| (name.to_string(), number))
        .collect()
}

/// The members of an object, which are integers.
fn members(value: &Value) -> BTreeMap<String, i64> {
    let Value::Object(all) = value else {
        panic!("not an object")
    };
    all.keys()
        .map(|name| (name.clone(), value.integer(name).unwrap()))
        .collect()
}

#[test]
fn the_twins_are_those_of_the_header() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/abi/testdata/layout.json");
    let c = parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(numbers(CONSTANTS.iter().copied()), members(c.get("constants").unwrap()));
    let Some(Value::Object(structs)) = c.get("structs") else {
        panic!("no structs")
    };
    assert_eq!(LAYOUT.len(), structs.len());
    for (name, size, fields) in LAYOUT {
        let want = &structs[*name];
        assert_eq!(Some(*size as i64), want.integer("size"), "{name}");
        let have = numbers(fields.iter().map(|(field, offset)| (*field, *offset as i64)));
        assert_eq!(have, members(want.get("offsets").unwrap()), "{name}");
    }
}
