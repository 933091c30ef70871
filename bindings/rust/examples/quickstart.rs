//! Stores a message, takes it, and finishes it: with threads that wait, and without a
//! runtime.

use std::time::Duration;

use pgqrs::{Code, DequeueOptions, OpenOptions, Result, Store};

fn main() -> Result<()> {
    let store = Store::open_with(
        "sqlite:///jobs.db",
        OpenOptions {
            bootstrap: true,
            ..Default::default()
        },
    )
    .wait()?;
    match store.create_queue("tasks").wait() {
        Err(error) if error.code() != Code::QueueExists => return Err(error),
        _ => {}
    }
    let producer = store.producer("tasks").wait()?;
    println!("stored as {}", producer.enqueue(r#"{"send":"welcome"}"#).wait()?);

    let consumer = store.consumer("tasks").wait()?;
    let options = DequeueOptions {
        lease: Duration::from_secs(30),
        wait: Some(Duration::from_secs(1)),
        ..Default::default()
    };
    for message in consumer.messages(options) {
        let message = message?;
        println!("working on {}", message.payload);
        message.archive().wait()?; // without this it comes back after the lease
    }
    store.close().wait()
}
