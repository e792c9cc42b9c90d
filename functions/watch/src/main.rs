//! What it does, in one line.

fn main() {}
