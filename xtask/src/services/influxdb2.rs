//! InfluxDB 2: built once from its Go module, for no package has it; set up through its API.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::ready;
use crate::{setup, shell, workspace};

const MODULE: &str = "github.com/influxdata/influxdb/v2";
const VERSION: &str = "v2.7.12";
/// Tells Go's linker where libflux is, which it builds with cargo.
const PKG_CONFIG: &str = "github.com/influxdata/pkg-config";
const RUSTC: &str = include_str!("../../services/influxdb2/rustc");
/// What the Makefile of InfluxDB builds with; without `assets` there is no page.
const TAGS: &str = "-tags=sqlite_foreign_keys,sqlite_json";

/// The server, built when it is missing.
pub(super) fn program() -> anyhow::Result<PathBuf> {
    let cache = workspace::root().join(".cache");
    let folder = cache.join(format!("influxdb-{VERSION}"));
    let program = folder.join("influxd");
    if program.is_file() {
        return Ok(program);
    }
    if setup::find("go").is_none() {
        bail!("InfluxDB 2 is built with Go 1.23 or newer, which is missing; see https://go.dev/dl");
    }
    setup::build_tools()?;
    eprintln!("building InfluxDB {VERSION} into `.cache`, once; two cores take ten minutes");
    fs::create_dir_all(&folder)?;
    let source = source(&folder)?;
    let helper = folder.join("pkg-config");
    shell::run_aside(build(&source, &helper, PKG_CONFIG))?;
    let rustc = folder.join("rustc");
    fs::write(&rustc, RUSTC)?;
    fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755))?;
    let mut server = build(&source, &program, "./cmd/influxd");
    server.env("PKG_CONFIG", &helper);
    // Only for libflux itself: cargo silences the lints of what it depends on.
    server.env("RUSTC_WORKSPACE_WRAPPER", &rustc);
    shell::run_aside(server).context("InfluxDB 2 is built from its Go module")?;
    Ok(program)
}

/// The folder of the module's source.
fn source(folder: &Path) -> anyhow::Result<PathBuf> {
    let what = format!("{MODULE}@{VERSION}");
    let mut download = shell::program("go", &["mod", "download", "-json", &what]);
    // Where no go.mod is.
    download.current_dir(folder);
    let told: Value = serde_json::from_str(&shell::read(download)?)?;
    let source = told["Dir"].as_str();
    let source = source.with_context(|| format!("Go does not say where it put {what}"))?;
    Ok(PathBuf::from(source))
}

fn build(source: &Path, output: &Path, package: &str) -> Command {
    let linked = format!("-ldflags=-s -w -X main.version={VERSION}");
    let mut command = shell::program("go", &["build", TAGS, "-buildvcs=false", &linked]);
    command.arg("-o").arg(output).arg(package);
    command.current_dir(source);
    // Its makers build libflux for size, with one link over all of it; the tests ask nothing of it.
    command.env("CARGO_PROFILE_RELEASE_LTO", "off");
    command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
    // The helper looks for the library where cargo puts it by itself.
    command.env_remove("CARGO_TARGET_DIR");
    command
}

/// Creates user, organisation, bucket and token, unless that is done.
pub(super) fn set_up(folder: &Path, port: u16) -> anyhow::Result<()> {
    let path = folder.join("setup.json");
    let body =
        fs::read_to_string(&path).with_context(|| format!("`{}` can't be read", path.display()))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let request = ready::post("/api/v2/setup", &body);
    let done = ready::ask(address, &request, |answer| {
        answer.starts_with(b"HTTP/1.1 201") || ready::contains(answer, b"already been completed")
    })?;
    if !done {
        bail!("InfluxDB 2 at {address} refuses `{}`", path.display());
    }
    Ok(())
}
