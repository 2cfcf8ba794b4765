//! Whole tapes: recorded ones, and what export writes.

use std::io::{Cursor, Read};

use stock_up_core::{Decimal, TradeBatch};
use stock_up_io::tape::{TapeFormat, TapeReader, TapeWriter};

/// Reads a tape with the `csv` crate and core's numbers, which is slow and plainly right.
fn plainly(text: &str) -> Vec<(i64, String, Decimal, Decimal, String)> {
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    rows.records()
        .map(|row| {
            let row = row.unwrap();
            let number = |index: usize| Decimal::parse(row[index].as_bytes()).unwrap();
            (
                row[0].parse().unwrap(),
                row[1].to_owned(),
                number(2),
                number(3),
                row.get(4).unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

fn exported(reader: &mut TapeReader, format: TapeFormat) -> String {
    let (mut batch, mut seq) = (TradeBatch::default(), 0);
    let mut writer = TapeWriter::new(Vec::new(), format);
    while reader.next_batch(&mut batch).unwrap() {
        for trade in &batch.trades {
            writer.write(trade, &batch.names, 7, seq).unwrap();
            seq += 1;
        }
    }
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

#[test]
fn recorded_tapes_are_read_as_the_csv_crate_reads_them_and_survive_an_export() {
    let mut total = 0;
    for path in super::tapes::all("recorded tapes") {
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(std::fs::File::open(&path).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        let expected = plainly(&text);
        let (mut reader, mut batch) = (TapeReader::open(&path).unwrap(), TradeBatch::default());
        let mut rows = expected.iter();
        while reader.next_batch(&mut batch).unwrap() {
            for trade in &batch.trades {
                let (time, symbol, price, size, conditions) = rows.next().unwrap();
                assert_eq!(trade.ts_event, *time);
                assert_eq!(batch.names.get(trade.symbol), symbol);
                assert_eq!((trade.price, trade.size), (*price, *size));
                assert_eq!(batch.names.get(trade.conditions), conditions);
            }
        }
        assert_eq!(rows.next(), None, "{}", path.display());
        assert_eq!(reader.total_bytes(), Some(reader.bytes_read()));
        let csv = exported(&mut TapeReader::open(&path).unwrap(), TapeFormat::Csv);
        assert_eq!(plainly(&csv), expected, "{}", path.display());
        total += expected.len();
    }
    eprintln!("{total} recorded trades");
}

#[test]
fn an_export_is_a_tape_and_its_json_is_json() {
    let text = "timestamp_ns,symbol,price,size,conditions\n\
                1,SPY,167.420,100,\"a,\"\"b\"\"\"\n2,<b>,0.5,0,\n";
    let reader = || TapeReader::from_bytes("a.csv", Cursor::new(text)).unwrap();
    let csv = exported(&mut reader(), TapeFormat::Csv);
    assert_eq!(
        csv,
        "timestamp_ns,symbol,price,size,conditions,ts_recv_ns,seq\n\
         1,SPY,167.42,100,\"a,\"\"b\"\"\",7,0\n2,<b>,0.5,0,,7,1\n"
    );
    let mut again = TapeReader::from_bytes("b.csv", Cursor::new(csv.clone())).unwrap();
    assert_eq!(exported(&mut again, TapeFormat::Csv), csv);
    let json = exported(&mut reader(), TapeFormat::Jsonl);
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(
        first,
        serde_json::json!({
            "timestamp_ns": 1, "symbol": "SPY", "price": "167.42", "size": "100",
            "conditions": "a,\"b\"", "ts_recv_ns": 7, "seq": 0,
        })
    );
}
