//! A naive analyzer: for every grid time it looks at every trade. Slow, short, and shares nothing
//! with the real one but the types.

use std::collections::BTreeMap;

use bnum::types::U512;
use stock_up_core::{AnalyzerSettings, Decimal, Span};

/// One trade of a test.
#[derive(Debug, Clone)]
pub(crate) struct Print {
    pub(crate) symbol: String,
    pub(crate) time: i64,
    pub(crate) price: Decimal,
    pub(crate) size: Decimal,
}

/// A row as text, without its revision: what every implementation must agree on.
pub(crate) type Rows = BTreeMap<(i64, String, i64), String>;

/// The trades that are not too late, and the log's time at the end.
pub(crate) fn accepted(prints: &[Print], settings: &AnalyzerSettings) -> (Vec<Print>, i64) {
    let mut now = i64::MIN;
    let mut kept = Vec::new();
    for print in prints {
        now = now.max(print.time);
        if print.time >= now - settings.reach().ns() {
            kept.push(print.clone());
        }
    }
    (kept, now)
}

/// The truth: every row of the series, whatever the order in which trades came.
pub(crate) fn series(prints: &[Print], settings: &AnalyzerSettings) -> Rows {
    let mut rows = Rows::new();
    let (mut kept, now) = accepted(prints, settings);
    kept.sort_by_key(|print| print.time);
    let Some(first_time) = prints.first().map(|print| print.time) else {
        return rows;
    };
    let grid = settings.grid.ns();
    let ceil = |time: i64| (time + grid - 1).div_euclid(grid) * grid;
    let mut symbols: Vec<&String> = kept.iter().map(|print| &print.symbol).collect();
    symbols.sort();
    symbols.dedup();
    for symbol in symbols {
        let own: Vec<&Print> = kept
            .iter()
            .filter(|print| print.symbol == *symbol)
            .collect();
        let mut time = ceil(own[0].time);
        while time <= ceil(now) {
            let row = |window: &Span| {
                let row = row(&own, first_time, (window.ns(), time), grid)?;
                Some(((time, symbol.clone(), window.ns()), row))
            };
            rows.extend(settings.windows.iter().filter_map(row));
            time += grid;
        }
    }
    rows
}

/// The row of one window, unless it is empty and was so a step before.
fn row(own: &[&Print], first: i64, (length, time): (i64, i64), grid: i64) -> Option<String> {
    let within = |from: i64, to: i64| {
        own.iter()
            .copied()
            .filter(move |print| from <= print.time && print.time <= to)
    };
    let held: Vec<&Print> = within(time - length, time).collect();
    let was_empty = within(time - grid - length, time - grid).next().is_none();
    if held.is_empty() && was_empty {
        return None;
    }
    Some(format!(
        "{} {}",
        numbers(&held),
        trust(first, time - length, time)
    ))
}

#[expect(clippy::cast_precision_loss, reason = "a test's times are small")]
fn trust(first: i64, from: i64, to: i64) -> String {
    if first <= from {
        return "complete 1".into();
    }
    format!(
        "warming {}",
        (to - first).max(0) as f64 / (to - from) as f64
    )
}

/// The numbers of the window that holds these trades, oldest first.
pub(crate) fn numbers(held: &[&Print]) -> String {
    let real: Vec<&&Print> = held.iter().filter(|print| !print.size.is_zero()).collect();
    let unit = |value: Decimal| U512::from(value.mantissa()) * ten(29 - value.scale());
    let sum =
        |f: &dyn Fn(&Print) -> U512| real.iter().fold(U512::ZERO, |sum, print| sum + f(print));
    let sizes = sum(&|print| unit(print.size));
    let prices = sum(&|print| unit(print.price));
    let products = sum(&|print| unit(print.price) * unit(print.size));
    let squares = sum(&|print| unit(print.price) * unit(print.price));
    let count = U512::from(real.len() as u64);
    let last = held
        .last()
        .map_or(String::new(), |print| print.price.to_string());
    let lowest = real
        .iter()
        .map(|print| print.price)
        .min()
        .map_or(String::new(), |p| p.to_string());
    let highest = real
        .iter()
        .map(|print| print.price)
        .max()
        .map_or(String::new(), |p| p.to_string());
    let (mut mean, mut vwap, mut variance) = (String::new(), String::new(), String::new());
    if !real.is_empty() {
        mean = format!("{:?}", nearest(prices, count * ten(29)));
        vwap = format!("{:?}", nearest(products, sizes * ten(29)));
        variance = format!(
            "{:?}",
            nearest(squares * count - prices * prices, count * count * ten(58))
        );
    }
    let volume = plain(sizes, 29);
    format!(
        "{} {volume} {last} {lowest} {highest} {mean} {vwap} {variance}",
        real.len()
    )
}

fn ten(power: u8) -> U512 {
    U512::from(10_u8).pow(u32::from(power))
}

/// The f64 nearest a quotient, by long division to a text and the standard library's reading of it.
fn nearest(numerator: U512, divisor: U512) -> f64 {
    let mut text = format!("{}.", numerator / divisor);
    let mut rest = numerator % divisor;
    for _ in 0..90 {
        rest *= U512::from(10_u8);
        text.push_str(&(rest / divisor).to_string());
        rest %= divisor;
    }
    if rest != U512::ZERO {
        text.push('1');
    }
    text.parse().unwrap()
}

fn plain(units: U512, scale: usize) -> String {
    let digits = format!("{:0>width$}", units.to_string(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction}")
    }
}
