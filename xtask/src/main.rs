//! stock-up.
fn main() {}
