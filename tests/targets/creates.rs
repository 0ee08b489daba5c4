// SPDX-License-Identifier: GPL-2.0-or-later
// Threads by std::thread::spawn: two functions, 40 and 25, after a line of input.
use std::thread;

#[inline(never)]
fn many(n: usize) {
    let v: Vec<_> = (0..n).map(|i| thread::spawn(move || i)).collect();
    for t in v {
        t.join().unwrap();
    }
}

#[inline(never)]
fn one_by_one(n: usize) {
    for i in 0..n {
        thread::spawn(move || i).join().unwrap();
    }
}

fn main() {
    println!("ready 0");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    many(40);
    one_by_one(25);
    println!("truth many 40\ntruth one_by_one 25\ntruth created 65");
}
