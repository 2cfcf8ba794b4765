// "Stocks (embedded store)" against the real program: what each panel asks is asked of its HTTP
// interface, and turned into rows by the very expressions that the Infinity data source evaluates
// (JSONata; here in its reference implementation).

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import jsonata from "jsonata";

const board = JSON.parse(
  readFileSync(join(import.meta.dirname, "../grafana/dashboards/stocks-embedded.json"), "utf8"),
);
const binary = process.env.STOCK_UP_BIN;
const DEADLINE_MS = 60_000;

/** The program with the simulated market, on a free port, for the time of `use`. */
async function running(use) {
  const data = mkdtempSync(join(tmpdir(), "stock-up-grafana-"));
  const options = ["run", "--data-dir", data, "--listen", "127.0.0.1:0", "--symbols", "SPY,BRK.B"];
  const child = spawn(binary, options, { stdio: ["ignore", "pipe", "pipe"] });
  try {
    await use(await address(child));
  } finally {
    child.kill("SIGKILL");
    rmSync(data, { recursive: true, force: true });
  }
}

/** Where it says that its page is. */
function address(child) {
  return new Promise((found, failed) => {
    let said = "";
    const listen = (part) => {
      said += part;
      const url = said.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (url) found(url[0]);
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    child.on("exit", () => failed(new Error(`it ended: ${said}`)));
    setTimeout(() => failed(new Error(`it names no page: ${said}`)), DEADLINE_MS).unref();
  });
}

/** As the data source does it: fetch, then pick rows. */
async function rows(base, query, from, to) {
  const path = query.url
    .replaceAll("${symbol:percentencode}", encodeURIComponent("BRK.B"))
    .replaceAll("${window}", "60s")
    .replaceAll("${__from:date:iso}", from.toISOString())
    .replaceAll("${__to:date:iso}", to.toISOString());
  assert.ok(!path.includes("$"), path);
  const answer = await fetch(base + path);
  assert.equal(answer.status, 200, await answer.clone().text());
  const body = await answer.json();
  const picked = (await jsonata(query.root_selector).evaluate(body)) ?? [];
  return { body, picked: Array.isArray(picked) ? picked : [picked] };
}

const skip = binary ? false : "STOCK_UP_BIN names no program";

test("every panel gets the stored series, row by row", { skip }, async () => {
  await running(async (base) => {
    const from = new Date(Date.now() - 60_000);
    const to = new Date(Date.now() + 60_000);
    const price = board.panels[0].targets[0];
    const deadline = Date.now() + DEADLINE_MS;
    for (let seen = 0; seen < 3; ) {
      assert.ok(Date.now() < deadline, "no points");
      const { body } = await rows(base, price, from, to).catch(() => ({ body: {} }));
      seen = body.last_price?.filter((value) => value !== null).length ?? 0;
    }
    for (const panel of board.panels) {
      const query = panel.targets[0];
      const { body, picked } = await rows(base, query, from, to);
      assert.equal(picked.length, body.timestamp_ns.length, panel.title);
      const columns = query.columns.map((column) => column.selector);
      assert.equal(columns[0], "time", panel.title);
      for (const [index, row] of picked.entries()) {
        assert.equal(row.time, body.timestamp_ns[index] / 1e6, panel.title);
        for (const name of columns.slice(1)) {
          assert.ok(name in body, `${panel.title}: ${name}`);
          assert.equal(row[name], body[name][index], `${panel.title}: ${name}`);
        }
      }
    }
    await variables(base);
  });
});

async function variables(base) {
  const expected = {
    symbol: (body) => body.symbols.map((one) => one.symbol),
    window: (body) => body.windows,
  };
  for (const variable of board.templating.list.filter((one) => one.type === "query")) {
    const query = variable.query.infinityQuery;
    const body = await (await fetch(base + query.url)).json();
    const picked = [].concat(await jsonata(query.root_selector).evaluate(body));
    const values = picked.map((row) => row.value);
    assert.ok(values.length > 0, variable.name);
    assert.deepEqual(values, expected[variable.name](body), variable.name);
  }
}

test("one row, and none, are rows too", async () => {
  const query = board.panels[1].targets[0];
  const pick = (body) => jsonata(query.root_selector).evaluate(body);
  const one = [].concat(await pick({ timestamp_ns: [2e6], volume: ["7"] }));
  assert.deepEqual(JSON.parse(JSON.stringify(one)), [{ time: 2, volume: "7" }]);
  assert.equal(await pick({ timestamp_ns: [], volume: [] }), undefined);
});
