use std::fmt;

/// Declares the codes once: number, name, title, and a documentation line that is also [`Code::explanation`].
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal, $title:literal;)+) => {
        /// The stable name of a kind of mistake, such as `P0101`.
        ///
        /// Codes are never reused or renumbered. `P00xx` is about files and YAML, `P01xx` about single fields,
        /// `P02xx` about names, `P03xx` about fields that do not go together, `P04xx` about imported model
        /// configurations, `P05xx` about pipeline orders, `P06xx` about measurements, `P07xx` about tables of runs, `P08xx` about
        /// launch files, `P09xx` about traces of jobs, `P10xx` about estimates that are compared.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code as users see it, such as `P0101`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $number,)+ }
            }

            /// A few words naming the kind of mistake.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// A sentence or two for whoever looks the code up.
            #[must_use]
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii_start(),)+ }
            }
        }
    };
}

codes! {
    /// The file does not exist, is a folder, or may not be read.
    Unreadable = "P0001", "file cannot be read";
    /// The file is not UTF-8 text.
    Encoding = "P0002", "file is not UTF-8 text";
    /// The file is larger than 1 MiB; files written by people are a few kilobytes.
    TooLarge = "P0003", "file is too large";
    /// The text is not YAML.
    Syntax = "P0004", "YAML syntax error";
    /// The file holds nothing but white space and comments.
    Empty = "P0005", "file is empty";
    /// A mapping has the same key twice, and only one of the values could count.
    DuplicateKey = "P0006", "duplicate key";
    /// Anchors (`&name`) and aliases (`*name`) are not read: repeat the value, or name something once and refer to it.
    Alias = "P0007", "anchor or alias";
    /// Merge keys (`<<`) are not read: repeat the keys.
    MergeKey = "P0008", "merge key";
    /// Tags (`!name`, `!!int`) are not read: types follow from the key.
    Tag = "P0009", "YAML tag";
    /// Values are nested more than 32 levels deep.
    TooDeep = "P0010", "nested too deep";
    /// The file holds more than 200,000 values.
    TooManyNodes = "P0011", "too many values";
    /// The file holds more than one YAML document.
    SeveralDocuments = "P0012", "several documents in one file";
    /// A key is a list, a mapping, a number, true, false or nothing instead of a word.
    KeyNotText = "P0013", "key is not text";
    /// A result cannot be written to the place asked for.
    Unwritable = "P0014", "file cannot be written";

    /// The key is not one that is read here; it may be misspelt or stand at the wrong level.
    UnknownKey = "P0101", "unknown key";
    /// A key that has no default is not there.
    MissingKey = "P0102", "missing key";
    /// The key is there, its value is not.
    MissingValue = "P0103", "missing value";
    /// The value is of another type than the key takes: text for a number, a list for a mapping, and so on.
    WrongType = "P0104", "wrong type";
    /// The value is not one of the words that the key takes.
    UnknownValue = "P0105", "unknown value";
    /// The quantity cannot be read, or is of another kind than the key takes.
    BadQuantity = "P0106", "bad quantity";
    /// A bare number stands where a quantity is wanted; every quantity is written with its unit.
    NoUnit = "P0107", "number without a unit";
    /// The number is smaller or larger than makes sense.
    OutOfRange = "P0108", "out of range";
    /// The list has too few or too many items.
    ItemCount = "P0109", "wrong number of items";
    /// Two keys exclude each other.
    ConflictingKeys = "P0110", "keys exclude each other";
    /// The value is of the right type and still not one that can be used.
    InvalidValue = "P0111", "invalid value";

    /// No accelerator of this name is in the catalogue or the file.
    UnknownAccelerator = "P0201", "unknown accelerator";
    /// No server of this name is in the catalogue or the file.
    UnknownServer = "P0202", "unknown server";
    /// No switch of this name is in the catalogue or the file.
    UnknownSwitch = "P0203", "unknown switch";
    /// No link of this name is in the catalogue or the file.
    UnknownLink = "P0204", "unknown link";
    /// No model of this name is in the catalogue or the file.
    UnknownModel = "P0205", "unknown model";
    /// No pool of this name is in the cluster.
    UnknownPool = "P0206", "unknown pool";
    /// No job of this name is in the workload.
    UnknownJob = "P0207", "unknown job";
    /// No price, tariff or region of this name is known.
    UnknownPrice = "P0208", "unknown price";
    /// Two things of the same kind have the same name.
    DuplicateName = "P0209", "duplicate name";
    /// Things wait for, or are defined by, each other in a circle.
    DependencyCycle = "P0210", "dependency cycle";

    /// The parallel degrees do not multiply to a divisor of the GPUs.
    LayoutDivisibility = "P0301", "layout does not divide the GPUs";
    /// The job wants more GPUs than there are, or than may be used.
    GpuCount = "P0302", "not enough GPUs";
    /// The global batch is not a multiple of what the replicas take at once.
    BatchDivisibility = "P0303", "batch does not divide";
    /// The attention heads do not divide by the tensor-parallel degree.
    HeadDivisibility = "P0304", "heads do not divide";
    /// The layers do not divide by the pipeline stages.
    LayerDivisibility = "P0305", "layers do not divide";
    /// The experts do not divide by the expert-parallel degree.
    ExpertDivisibility = "P0306", "experts do not divide";
    /// The sequence is longer than the model reads, or does not divide by the context-parallel degree.
    SequenceLength = "P0307", "sequence does not fit";
    /// What a GPU must hold is more than its memory.
    MemoryDoesNotFit = "P0308", "memory does not fit";
    /// The site draws more than its power limit.
    PowerLimit = "P0309", "power limit exceeded";
    /// A rack holds or draws more than it may.
    RackLimit = "P0310", "rack limit exceeded";
    /// The accelerator has no arithmetic for this data type.
    UnsupportedDataType = "P0311", "data type not supported";
    /// The fabric cannot connect this many nodes with these switches.
    FabricLimit = "P0312", "fabric cannot be built";
    /// No layout of the job on the cluster is legal and fits in memory.
    NoLayout = "P0313", "no layout fits";
    /// The job cannot end by its deadline.
    Deadline = "P0314", "deadline cannot be met";

    /// The model configuration is not a JSON object.
    ModelConfigSyntax = "P0401", "model configuration is not JSON";
    /// The `model_type` of the configuration is not one that is understood; guessing would give wrong numbers.
    UnknownModelType = "P0402", "unknown model type";
    /// The model configuration lacks a field that its type needs.
    ModelConfigMissing = "P0403", "model configuration lacks a field";
    /// A field of the model configuration has an unusable value, or two fields contradict each other.
    ModelConfigValue = "P0404", "model configuration is inconsistent";
    /// The model configuration asks for something that is not modelled.
    ModelConfigUnsupported = "P0405", "model feature not supported";

    /// A cell of the pipeline order is not a turn, is there twice or too early, or a turn is missing.
    BadOrder = "P0501", "order cannot be read";
    /// The pipeline order is of other stages, virtual stages or microbatches than the layout.
    OrderShape = "P0502", "order does not fit the layout";
    /// Turns of the pipeline order wait for each other in a circle.
    OrderDeadlock = "P0503", "order deadlocks";

    /// A file of measurements cannot be read: results of the bench, logs of collectives, tables of products.
    Measurement = "P0601", "measurements cannot be read";
    /// A measurement was read and cannot be used: of a software driver, of an unknown accelerator, or wrong.
    MeasurementUnusable = "P0602", "measurements cannot be used";

    /// A cell of a table of runs cannot be read, or the table lacks a column that every run needs.
    TableCell = "P0701", "table cannot be read";

    /// A launch file is no script that can be cut into words, or has no options of the framework.
    LaunchSyntax = "P0801", "launch file cannot be read";
    /// An option that a workload needs is not in the launch file.
    LaunchMissing = "P0802", "option missing";
    /// An option of the launch file has a value that it cannot have, or two options contradict each other.
    LaunchValue = "P0803", "option has an unusable value";
    /// The value of an option depends on something that is not in the launch file.
    LaunchUnresolved = "P0804", "value not known";

    /// A trace of jobs lacks a column that every job needs.
    TraceColumn = "P0901", "trace lacks a column";
    /// A cell of a trace of jobs cannot be read.
    TraceCell = "P0902", "trace cannot be read";

    /// The baseline is not a file that `planner baseline` of this version wrote, or was edited.
    Baseline = "P1001", "baseline cannot be used";
    /// There is no git, no repository, or no such revision.
    Revision = "P1002", "revision cannot be read";
    /// A pattern of a policy file matches no cluster, workload or job.
    NothingMatches = "P1003", "nothing matches";
    /// A job had a plan on a cluster and has none any more.
    PlanLost = "P1004", "no plan any more";
    /// A figure grew by more than a policy allows.
    Increase = "P1005", "increase over the limit";
    /// The cost of a run crossed a budget from below.
    BudgetCrossed = "P1006", "budget crossed";
    /// A figure is beyond a limit of a policy.
    BeyondLimit = "P1007", "beyond the limit";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn numbers_rise_and_titles_are_phrases() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
        for code in Code::ALL {
            assert!(code.as_str().len() == 5 && code.as_str().starts_with('P'));
            assert!(!code.title().ends_with('.') && code.explanation().ends_with('.'), "{code}");
        }
    }
}
