//! Lists the built page (`web/dist`) for `serve/page.rs`, which holds it in the binary.
//!
//! The page may not be built yet: then the list is empty, and the folder is made so that cargo can
//! watch it; a watched folder that is missing makes cargo build again and again. The files are
//! copied first, because npm may be writing new ones while the compiler reads.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let web = here.join("../../web");
    let dist = web.join("dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if web.is_dir() {
        fs::create_dir_all(&dist)?;
        list(&dist, "", &mut files)?;
    }
    // Order matters: the page looks names up by halving.
    files.sort();
    let mut code = String::from(
        "/// Name and bytes of each file, by name.\nstatic FILES: &[(&str, &[u8])] = &[\n",
    );
    for (number, (name, path)) in files.iter().enumerate() {
        // A file that is gone again was of an older page: cargo sees the change and builds once
        // more.
        let Ok(bytes) = fs::read(path) else { continue };
        let copy = out.join(format!("page_file_{number}"));
        fs::write(&copy, bytes)?;
        let copy = copy.display().to_string();
        writeln!(code, "    ({name:?}, include_bytes!({copy:?})),")
            .expect("writing to a String does not fail");
    }
    code.push_str("];\n");
    fs::write(out.join("page_files.rs"), code)
}

fn list(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            list(&path, &format!("{name}/"), files)?;
        } else {
            files.push((name, path));
        }
    }
    Ok(())
}
