// SPDX-License-Identifier: GPL-2.0-or-later
//! locked: Rust's own locks and waits. Each thread bears the name of the kind of what it waits for,
//! as long as the program runs. A Mutex does not record who holds it.
use std::sync::{Arc, Barrier, Condvar, Mutex, Once, RwLock};
use std::thread;
use std::time::Duration;

static STOCK: Mutex<u32> = Mutex::new(0);
static SHELF: RwLock<u32> = RwLock::new(0);
static NEVER_TOLD: Condvar = Condvar::new();
static OF_CONDITION: Mutex<u32> = Mutex::new(0);
static BEGUN: Once = Once::new();

fn start<F: FnOnce() + Send + 'static>(name: &str, wait: F) -> thread::JoinHandle<()> {
    thread::Builder::new().name(name.to_string()).spawn(wait).unwrap()
}

#[inline(never)]
fn hold_all() {
    let _stock = STOCK.lock().unwrap();
    let _shelf = SHELF.write().unwrap();
    let barrier = Arc::new(Barrier::new(2));

    start("mutex", || { drop(STOCK.lock()); });
    start("rwlock", || { drop(SHELF.read()); });
    start("rwlock", || { drop(SHELF.write()); });
    start("cond", || { let _unused = NEVER_TOLD.wait(OF_CONDITION.lock().unwrap()); });
    start("cond", move || { barrier.wait(); });
    start("once", || {
        thread::sleep(Duration::from_millis(200));
        BEGUN.call_once(|| ());
    });
    start("idle", || BEGUN.call_once(|| loop { thread::sleep(Duration::from_secs(3600)) }));
    let parked = start("futex", || loop { thread::park() });
    start("join", move || { let _ = parked.join(); });
    thread::sleep(Duration::from_millis(500));
    println!("ready {}", std::process::id());
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

fn main() {
    hold_all();
}
