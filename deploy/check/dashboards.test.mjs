// The dashboards against the types that Grafana publishes (npm package @grafana/schema): each file
// becomes a TypeScript value of type `Dashboard`, the options of its panels values of their own
// types, and the compiler refuses misspelt keys and wrong values.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { parse } from "yaml";

const here = import.meta.dirname;
const boards = join(here, "../grafana/dashboards");
const generated = join(here, "node_modules/.generated");

// Grafana's name of a panel type, and that of the schema's file.
const PANELS = { stat: "StatPanelCfg", "state-timeline": "StateTimelinePanelCfg", timeseries: "TimeSeriesPanelCfg" };

// A string enum takes no plain text, and JSON has nothing else; so the enum becomes its texts.
const LOOSE = `
type Loose<T> = T extends string ? \`\${T}\`
  : T extends (infer U)[] ? Loose<U>[]
  : T extends object ? { [K in keyof T]: Loose<T[K]> }
  : T;
`;

// What an annotation asks is the data source's own matter; the schema says so in a comment, and
// still names only the keys of Grafana's own annotations.
function typed(board) {
  const copy = structuredClone(board);
  for (const annotation of copy.annotations.list) {
    const { limit, matchAny, tags, type } = annotation.target;
    annotation.target = { limit, matchAny, tags, type };
  }
  return copy;
}

function source(board) {
  let text = `import type { Dashboard } from "../@grafana/schema/dist/types/raw/dashboard/x/dashboard_types.gen";\n`;
  for (const [type, file] of Object.entries(PANELS)) {
    const folder = type.replace("-", "");
    text += `import type * as ${file} from "../@grafana/schema/dist/types/raw/composable/${folder}/panelcfg/x/${file}_types.gen";\n`;
  }
  text += LOOSE;
  text += `export const board: Loose<Dashboard> = ${JSON.stringify(typed(board), null, 1)};\n`;
  for (const panel of board.panels) {
    const file = PANELS[panel.type];
    assert.ok(file, `the check knows no panel type ${panel.type}`);
    text += `export const options${panel.id}: Loose<${file}.Options> = ${JSON.stringify(panel.options)};\n`;
    const custom = panel.fieldConfig.defaults.custom;
    if (custom) {
      text += `export const custom${panel.id}: Loose<${file}.FieldConfig> = ${JSON.stringify(custom)};\n`;
    }
  }
  return text;
}

function compile(files) {
  rmSync(generated, { recursive: true, force: true });
  mkdirSync(generated, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(generated, `${name}.ts`), text);
  }
  const options = { module: "esnext", moduleResolution: "bundler", target: "es2022", strict: true, noEmit: true, skipLibCheck: true, types: [] };
  writeFileSync(join(generated, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["*.ts"] }));
  const compiler = join(here, "node_modules/.bin/tsc");
  try {
    execFileSync(compiler, ["-p", generated], { encoding: "utf8" });
    return "";
  } catch (error) {
    return error.stdout;
  }
}

const read = (name) => JSON.parse(readFileSync(join(boards, name), "utf8"));
const names = readdirSync(boards).filter((name) => name.endsWith(".json"));

test("every dashboard has the types that Grafana publishes", () => {
  const files = Object.fromEntries(names.map((name) => [name.replace(".json", ""), source(read(name))]));
  assert.equal(compile(files), "");
});

test("a misspelt key and a wrong value are refused", () => {
  const board = read("stocks.json");
  const misspelt = structuredClone(board);
  misspelt.panels[0].gridpos = misspelt.panels[0].gridPos;
  const wrong = structuredClone(board);
  wrong.panels.find((panel) => panel.type === "timeseries").options.tooltip.mode = "many";
  const said = compile({ misspelt: source(misspelt), wrong: source(wrong) });
  assert.match(said, /misspelt\.ts.*gridpos/);
  assert.match(said, /wrong\.ts.*"many"/);
});

test("the types are those of the Grafana that is started", () => {
  const compose = parse(readFileSync(join(here, "../compose.yaml"), "utf8"), { merge: true });
  const own = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
  assert.equal(compose.services.grafana.image, `grafana/grafana:${own.devDependencies["@grafana/schema"]}`);
});

test("the data sources that are provisioned are of the kinds that the dashboards ask for", () => {
  const file = join(here, "../grafana/provisioning/datasources/stock-up.yaml");
  const provided = parse(readFileSync(file, "utf8")).datasources.map((source) => source.type);
  for (const name of names) {
    const variable = read(name).templating.list.find((one) => one.type === "datasource");
    assert.ok(provided.includes(variable.query), `${name}: ${variable.query}`);
  }
});
