//! The first line: which columns a trade file has.

/// The header that people are told.
pub(super) const EXPECTED: &str = "timestamp_ns,symbol,price,size,conditions";

const REQUIRED: [&str; 4] = ["timestamp_ns", "symbol", "price", "size"];
const EXPORTED: [&str; 2] = ["ts_recv_ns", "seq"];

/// The columns of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    /// The fifth column holds the conditions.
    pub(super) conditions: bool,
    /// Fields per row.
    pub(super) count: usize,
}

impl Columns {
    /// Reads the header without its line end and byte order mark.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(line).ok()?;
        let mut names = text.split(',').map(unquoted).peekable();
        if !REQUIRED.iter().all(|name| names.next() == Some(*name)) {
            return None;
        }
        let conditions = names.next_if_eq(&"conditions").is_some();
        let mut count = REQUIRED.len() + usize::from(conditions);
        if names.peek().is_some() {
            if !EXPORTED.iter().all(|name| names.next() == Some(*name)) {
                return None;
            }
            count += EXPORTED.len();
        }
        names.next().is_none().then_some(Self { conditions, count })
    }
}

fn unquoted(name: &str) -> &str {
    name.strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(bool, usize)>) {
        let found = Columns::parse(line.as_bytes());
        assert_eq!(found.map(|c| (c.conditions, c.count)), expected, "{line}");
    }

    #[test]
    fn the_columns_of_trade_files_and_of_exports_are_known() {
        check("timestamp_ns,symbol,price,size", Some((false, 4)));
        check("timestamp_ns,symbol,price,size,conditions", Some((true, 5)));
        check("\"timestamp_ns\",\"symbol\",price,size", Some((false, 4)));
        check(
            "timestamp_ns,symbol,price,size,conditions,ts_recv_ns,seq",
            Some((true, 7)),
        );
        check(
            "timestamp_ns,symbol,price,size,ts_recv_ns,seq",
            Some((false, 6)),
        );
        for wrong in [
            "",
            "timestamp_ns",
            "timestamp_ns,symbol,price",
            "symbol,timestamp_ns,price,size",
            "timestamp_ns,symbol,price,size,volume",
            "timestamp_ns,symbol,price,size,conditions,seq",
            "timestamp_ns,symbol,price,size,conditions,ts_recv_ns,seq,more",
            "1381217400000000000,SPY,167.42,100",
        ] {
            check(wrong, None);
        }
    }
}
