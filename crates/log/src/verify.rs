//! Verification: every byte of every segment is looked at, nothing is changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Damage, Error};
use crate::recovery::{self, Loaded};
use crate::segment::{self, FIRST_FRAME, Segment};
use crate::storage::{Access, DirStorage, Storage};
use crate::tail;
use crate::window::{Step, Window};

/// What a log folder holds, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Segment files, unfinished ones included.
    pub segments: u64,
    /// Sound frames.
    pub frames: u64,
    /// Sequence numbers that they take.
    pub records: u64,
    /// Size of all segment files.
    pub bytes: u64,
    /// The first sequence number, if there is a segment.
    pub first_seq: Option<u64>,
    /// The sequence number after the last sound frame.
    pub end_seq: u64,
    /// Least and greatest time of all sound frames.
    pub times: Option<(i64, i64)>,
    /// Bytes of an unfinished commit or segment at the end: what a crash may leave. Not damage.
    pub torn_bytes: u64,
    /// All damage, in order.
    pub damages: Vec<DamageAt>,
}

impl VerifyReport {
    /// Nothing is damaged.
    pub fn is_sound(&self) -> bool {
        self.damages.is_empty()
    }
}

/// Damage and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamageAt {
    /// The file.
    pub segment: PathBuf,
    /// Where in it the damaged frame or header begins.
    pub offset: u64,
    /// What is wrong.
    pub damage: Damage,
}

/// Checks the log in the folder `dir`. It takes no lock and changes nothing.
///
/// An error means that something could not be read or is of a newer format; damage is in the
/// report.
pub fn verify(dir: impl AsRef<Path>) -> Result<VerifyReport, Error> {
    verify_storage(&(Arc::new(DirStorage::new(dir.as_ref())) as Arc<dyn Storage>))
}

/// As [`verify`], on any storage.
pub fn verify_storage(storage: &Arc<dyn Storage>) -> Result<VerifyReport, Error> {
    let names = recovery::segment_names(storage)?;
    let mut check = Check {
        storage,
        report: VerifyReport::default(),
        before: None,
    };
    for (index, &first_seq) in names.iter().enumerate() {
        check.segment(first_seq, index + 1 == names.len())?;
    }
    Ok(check.report)
}

/// Verification under way.
struct Check<'a> {
    storage: &'a Arc<dyn Storage>,
    report: VerifyReport,
    /// The sound segment before.
    before: Option<Arc<Segment>>,
}

impl Check<'_> {
    fn segment(&mut self, first_seq: u64, is_last: bool) -> Result<(), Error> {
        self.report.segments += 1;
        let is_first = self.report.first_seq.is_none();
        self.report.first_seq.get_or_insert(first_seq);
        if !is_first && self.report.end_seq != first_seq {
            let damage = Damage::Hole {
                ends: self.report.end_seq,
                next: first_seq,
            };
            let path = self.storage.path().join(segment::file_name(first_seq));
            self.damage(&path, 0, damage);
        }
        self.report.end_seq = first_seq;
        match recovery::load(self.storage, first_seq, self.before.as_ref()) {
            Ok(Loaded::Sound(segment)) => {
                self.report.bytes += segment.bytes();
                self.frames(&segment, is_last)?;
                self.before = Some(segment);
            }
            Ok(Loaded::Torn(_)) if is_last => self.torn_segment(first_seq)?,
            Ok(Loaded::Torn(error)) | Err(error) => self.keep(error)?,
        }
        Ok(())
    }

    /// Reads all frames; after damage it goes on at the next sound one.
    fn frames(&mut self, segment: &Arc<Segment>, is_last: bool) -> Result<(), Error> {
        let file = self.storage.open(&segment.name(), Access::Read);
        let file = file.map_err(|source| Error::io("open", &segment.path, source))?;
        let limit = segment.bytes();
        let mut window = Window::new(Arc::clone(segment), file, FIRST_FRAME);
        loop {
            match window.step(self.report.end_seq, limit)? {
                Step::Frame(header) => {
                    self.report.frames += 1;
                    self.report.records += u64::from(header.count);
                    self.report.end_seq = header.end_seq();
                    let (least, most) = self.report.times.unwrap_or((header.time, header.time));
                    self.report.times = Some((least.min(header.time), most.max(header.time)));
                    window.advance(&header);
                }
                Step::Bad(damage) if self.go_on_after(&mut window, damage, limit, is_last)? => {}
                Step::End | Step::Bad(_) => return Ok(()),
            }
        }
    }

    /// Notes what is at the window's position and moves to the next sound frame, if there is one.
    /// What recovery would refuse is damage, what it would cut is not.
    fn go_on_after(
        &mut self,
        window: &mut Window,
        damage: Damage,
        limit: u64,
        is_last: bool,
    ) -> Result<bool, Error> {
        let offset = window.position();
        let expected = self.report.end_seq;
        match tail::refuse_corruption(&mut window.probe(), expected, limit, damage) {
            Ok(()) if is_last => {
                self.report.torn_bytes += limit - offset;
                return Ok(false);
            }
            Err(error) if !error.is_corrupt() => return Err(error),
            Ok(()) | Err(_) => self.damage(window.path(), offset, damage),
        }
        let found = window.find(expected, limit, |_, _| true)?;
        self.report.end_seq = found.map_or(expected, |header| header.seq);
        Ok(found.is_some())
    }

    fn torn_segment(&mut self, first_seq: u64) -> Result<(), Error> {
        let name = segment::file_name(first_seq);
        let path = self.storage.path().join(&name);
        let size = self
            .storage
            .open(&name, Access::Read)
            .and_then(|file| file.size());
        let size = size.map_err(|source| Error::io("measure", &path, source))?;
        self.report.bytes += size;
        self.report.torn_bytes += size;
        Ok(())
    }

    /// Damage is noted, anything else ends the verification.
    fn keep(&mut self, error: Error) -> Result<(), Error> {
        match error {
            Error::Corrupt {
                segment,
                offset,
                damage,
            } => {
                self.damage(&segment, offset, damage);
                Ok(())
            }
            other => Err(other),
        }
    }

    fn damage(&mut self, segment: &Path, offset: u64, damage: Damage) {
        self.report.damages.push(DamageAt {
            segment: segment.to_owned(),
            offset,
            damage,
        });
    }
}
