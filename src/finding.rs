//! Finding, Code and Severity: what is wrong with the *course*, at its place. What is wrong with Proctor itself is an error, never a finding.

use std::sync::Arc;

use crate::source::{Place, Source, Span};

/// How bad a finding is; it follows from its [`Code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The lesson is broken, whatever a reader adds.
    Error,
    /// The lesson works, but teaches what is going away, or is written in a way that misleads.
    Warning,
    /// The page leaves something out, or the reader should know something.
    Note,
}

impl Severity {
    /// The word that reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What a finding does to its lesson's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The lesson is broken.
    Breaks,
    /// The lesson is incomplete.
    Incompletes,
    /// The lesson is stale.
    Stales,
    /// The lesson's output is not its snapshot's.
    Changes,
    /// Nothing: the finding only informs.
    Informs,
}

macro_rules! codes {
    ($($variant:ident $word:literal $severity:ident $effect:ident $help:literal;)*) => {
        /// The kind of a finding. The table below gives each its word, severity, effect and one line of help.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $help] $variant,)*
        }

        impl Code {
            /// Every code, in the table's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word that reports and documentation use.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// How bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What it does to its lesson.
            #[must_use]
            pub fn effect(self) -> Effect {
                match self { $(Self::$variant => Effect::$effect,)* }
            }

            /// One line that says what the code means.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

codes! {
    SyntaxError "syntax-error" Error Breaks "The code does not parse as current Python.";
    RemovedApi "removed-api" Error Breaks "A name that the installed package no longer has.";
    Raised "raised" Error Breaks "The code raised an exception that nothing missing from the page explains.";
    NotRaised "not-raised" Error Breaks "The page says that the block raises an exception, and it does not.";
    WrongOutput "wrong-output" Error Breaks "The page claims an output that the code does not have.";
    HttpError "http-error" Error Breaks "A view answers a request with a server error.";
    CommandFailed "command-failed" Error Breaks "A shell command ends with a status that is not zero.";
    Timeout "timeout" Error Breaks "The code did not end within its time limit.";
    Memory "memory" Error Breaks "The code used more memory than its limit.";
    OutputLimit "output-limit" Error Breaks "The code printed more than its limit.";
    ProcessLimit "process-limit" Error Breaks "The code started more processes than its limit.";
    Killed "killed" Error Breaks "The code's process was ended by a signal.";
    ShadowedLibrary "shadowed-library" Error Breaks "A file of the page has the name of a library that the page imports.";
    UnsafePath "unsafe-path" Error Breaks "A file name that leaves the lab.";
    UnknownDirective "unknown-directive" Error Breaks "A `proctor:` directive with a word that Proctor does not know.";
    UnclosedFence "unclosed-fence" Error Breaks "A code fence that is never closed.";
    Unreadable "unreadable" Error Breaks "A page that the table of contents names cannot be read.";
    NothingRan "nothing-ran" Error Breaks "A check in which not a single block ran.";
    Changed "changed" Error Changes "The output is not the accepted snapshot's.";
    BadSnapshot "bad-snapshot" Error Breaks "A snapshot file that cannot be read as one.";
    Deprecated "deprecated" Warning Stales "The code works, but uses what its package says will go away.";
    InvalidUtf8 "invalid-utf8" Warning Informs "Bytes that are not UTF-8; they were read as U+FFFD.";
    BadDirective "bad-directive" Warning Informs "A code directive of reStructuredText that shows no code: its content is missing or not indented, or a colon is.";
    Unlisted "unlisted" Warning Informs "A page that the table of contents does not name.";
    UnreferencedSnapshot "unreferenced-snapshot" Warning Informs "A snapshot that belongs to no block any more.";
    DeadLink "dead-link" Warning Informs "A link that leads nowhere.";
    UndefinedName "undefined-name" Note Incompletes "A name that the page uses and never defines.";
    MissingModule "missing-module" Note Incompletes "A module that is neither on the page nor in the environment.";
    MissingFile "missing-file" Note Incompletes "A file or template that the code opens and the page never shows.";
    NoContext "no-context" Note Incompletes "The code needs an application or request context that the page never opens.";
    Unsupplied "unsupplied" Note Incompletes "The code needs rows or state that the page never makes.";
    MissingService "missing-service" Note Incompletes "A service that the lab asks for and that cannot be had where it runs.";
    Assumed "assumed" Note Incompletes "With --strict: something the page takes for granted had to be assumed.";
    MovedLink "moved-link" Note Informs "A link whose target says that it has moved for good.";
    NotReached "not-reached" Note Informs "Lines of the block that never ran, so nothing is known about them.";
}

/// A place in a guide, resolved for people: what a report prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The source that [`Location::span`] points into.
    pub source: Arc<Source>,
    /// The bytes in question; may be empty.
    pub span: Span,
}

impl Location {
    /// A location of `span` in `source`.
    #[must_use]
    pub fn new(source: &Arc<Source>, span: Span) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// A location of one whole line (from 1), without its indentation.
    #[must_use]
    pub fn line(source: &Arc<Source>, line: usize) -> Self {
        let span = source.line_span(line);
        let text = source.slice(span);
        let indent = text.len() - text.trim_start().len();
        Self::new(source, Span::new(span.start + indent, span.start + text.trim_end().len().max(indent)))
    }

    /// The first line and column of it.
    #[must_use]
    pub fn place(&self) -> Place {
        self.source.place(self.span.start)
    }

    /// The path to show.
    #[must_use]
    pub fn path(&self) -> &str {
        self.source.path()
    }
}

/// A second place that explains a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub location: Location,
    /// What is to be seen there, in lower case.
    pub message: String,
}

/// One thing that is wrong with the course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind it is; the severity follows from it.
    pub code: Code,
    /// Where it is.
    pub location: Location,
    /// What is wrong, in lower case, without a full stop.
    pub message: String,
    /// What to do next, if there is something to say.
    pub help: Option<String>,
    /// The index, in the lesson's list, of the finding that this one only follows from.
    pub because: Option<usize>,
    /// Changes of the text it stands in that were run, and end it; made together, or not at all.
    pub edits: Vec<Edit>,
    /// Other places that explain it.
    pub related: Vec<Related>,
    /// What was expected and what came, for findings about output; shown as a diff.
    pub comparison: Option<Comparison>,
    /// The entry of the course's baseline that expects it, if one does. It is shown, and fails nothing.
    pub known: Option<Known>,
    /// The claim that does not hold, where it stands letter by letter and what came is known: enough to mend it.
    pub claimed: Option<Claimed>,
}

/// A claim of the page about an output that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Where it stands.
    pub span: Span,
    /// What it says.
    pub text: String,
    /// What came, as it came.
    pub actual: String,
    /// What form it has.
    pub kind: ClaimKind,
}

/// The form of a claim about an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimKind {
    /// A block of its own.
    Block,
    /// Lines below a prompt.
    Session,
    /// A comment.
    Comment,
}

/// What a baseline says of a finding that was there when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Why it may stay for now.
    pub reason: String,
    /// The last day on which it may, as `2027-02-21`.
    pub expires: String,
}

/// A change of a guide's text: these bytes give way to that text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// The bytes that go; may be none.
    pub span: Span,
    /// What stands there instead.
    pub text: String,
}

/// Two texts that should have been the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What the page or the snapshot says.
    pub expected: String,
    /// What the run gave.
    pub actual: String,
}

impl Finding {
    /// A finding with a message and nothing else.
    #[must_use]
    pub fn new(code: Code, location: Location, message: impl Into<String>) -> Self {
        Self {
            code,
            location,
            message: message.into(),
            help: None,
            because: None,
            edits: Vec::new(),
            related: Vec::new(),
            comparison: None,
            known: None,
            claimed: None,
        }
    }

    /// The same finding with a line of help.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same finding with edits that end it.
    #[must_use]
    pub fn with_edits(mut self, edits: Vec<Edit>) -> Self {
        self.edits = edits;
        self
    }

    /// The same finding with one more related place.
    #[must_use]
    pub fn with_related(mut self, location: Location, message: impl Into<String>) -> Self {
        self.related.push(Related { location, message: message.into() });
        self
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Where the chain of causes of a finding ends. An index that points nowhere or in a circle makes the finding its own cause.
#[must_use]
pub fn root(findings: &[Finding], index: usize) -> usize {
    let mut at = index;
    for _ in 0..findings.len() {
        match findings[at].because {
            Some(next) if next < findings.len() && next != at => at = next,
            _ => return at,
        }
    }
    index
}

/// Sort findings by place, keeping `because` true.
pub fn sort_by_place(findings: &mut Vec<Finding>) {
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|&index| (findings[index].location.span.start, index));
    let mut place = vec![0; order.len()];
    for (new, &old) in order.iter().enumerate() {
        place[old] = new;
    }
    let mut sorted: Vec<Finding> = order.iter().map(|&index| findings[index].clone()).collect();
    for finding in &mut sorted {
        finding.because = finding.because.map(|cause| place[cause]);
    }
    *findings = sorted;
}
