"""Prints the trades of a Kafka topic as CSV: read_queue.py BROKERS TOPIC [MS to wait for more]
Needs the packages `kafka` and `protobuf`, and once, to make queue_pb2.py beside this file:
protoc --proto_path=docs/formats --python_out=examples docs/formats/queue.proto"""
import csv, sys
from decimal import Decimal
from kafka import KafkaConsumer
from queue_pb2 import Batch

out = csv.writer(sys.stdout, lineterminator="\n")
out.writerow("partition,seq,ts_event_ns,ts_recv_ns,symbol,price,size,conditions".split(","))
topic = KafkaConsumer(sys.argv[2], bootstrap_servers=sys.argv[1], auto_offset_reset="earliest",
                      consumer_timeout_ms=float(sys.argv[3]) if sys.argv[3:] else float("inf"))
wanted = {}  # the next number of each partition; where we begin, the first that comes
for batch in (Batch.FromString(message.value) for message in topic):
    seq, first = batch.first_seq, wanted.get(batch.partition, batch.first_seq)
    assert batch.version == 1 and seq <= first, f"format {batch.version}, or a hole before {seq}"
    for trades in (record.trades for record in batch.records):
        time, names = trades.ts_recv, trades.names
        for i in range(len(trades.price)):
            time += trades.ts_event[i]  # the difference to the trade before
            price = Decimal(trades.price[i]).scaleb(-trades.price_scale[i])
            size = Decimal(trades.size[i]).scaleb(-trades.size_scale[i])
            if seq + i >= first:  # a number that came before is no news: it was sent again
                out.writerow([batch.partition, seq + i, time, trades.ts_recv, names[trades.symbol[i]],
                              f"{price:f}", f"{size:f}", names[trades.conditions[i]]])
        seq += len(trades.price) or 1  # whatever is no trade takes one number
    wanted[batch.partition] = max(seq, first)
