//! How a published run was laid out over its accelerators.

use super::PublishedRun;
use crate::parallel::{LayerDeal, Strategy};
use crate::spec::{
    AttentionKernel, Computation, ContextKind, Graphs, Loss, Modules, Precision, RankOrder, Recompute, ScheduleKind, Software,
    Storage, Tensors,
};

/// Everything of a row that is not its machine and its model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// What was computed, and how.
    pub computation: Computation,
    /// Degrees, microbatches, recomputation.
    pub strategy: Strategy,
    /// Whether the row leaves the microbatch open: then it is the fastest that fits.
    pub open_microbatch: bool,
}

impl Layout {
    /// The layout of a row.
    ///
    /// # Errors
    /// What the row lacks, or what of it is not modelled.
    pub fn of(row: &PublishedRun) -> Result<Self, String> {
        let gpus = row.n_gpus.filter(|gpus| *gpus > 0).ok_or("the number of accelerators is not known")?;
        let sequence = row.seq.filter(|seq| *seq > 0).ok_or("the sequence length is not known")?;
        let [tp, pp, cp, vp, ep] = [row.tp, row.pp, row.cp, row.vp, row.ep].map(|degree| degree.unwrap_or(1).max(1));
        let dp = gpus / (tp * cp * pp);
        if dp == 0 || dp * tp * cp * pp != gpus {
            return Err(format!("tp {tp} x cp {cp} x pp {pp} does not divide {gpus} accelerators"));
        }
        let batch = row.gbs.filter(|gbs| *gbs > 0.0).ok_or("the global batch is not known")?.round() as u32;
        let microbatch = row.mbs.unwrap_or(1).max(1);
        if batch % (dp * microbatch) != 0 {
            return Err(format!(
                "a batch of {batch} sequences does not divide by {dp} replicas of microbatches of {microbatch}"
            ));
        }
        let framework = row.framework.to_lowercase();
        let megatron = ["megatron", "nemo", "nvidia", "ngc", "pytorch"].iter().any(|name| framework.contains(name));
        let sp = tp > 1 && row.sp.unwrap_or(megatron && !framework.contains("deepspeed"));
        // Expert-parallel ranks are data-parallel ones; some tables print only the latter.
        let ep = if ep == 1 && row.overlap_notes.contains("DeepEP") {
            super::architecture::experts_of(row).map_or(1, |experts| gcd(experts, dp))
        } else {
            ep
        };
        let etp = row.etp.unwrap_or(if ep > 1 || tp == 1 { 1 } else { tp });
        Ok(Self {
            computation: computation(row, sequence)?,
            strategy: Strategy {
                tp,
                sp,
                cp,
                context: ContextKind::default(),
                pp,
                vp: if pp > 1 { vp } else { 1 },
                ep,
                etp,
                dp,
                microbatch,
                microbatches: batch / (dp * microbatch),
                zero: zero(&row.zero_stage_or_fsdp, megatron),
                zero_replicas: copies(&row.zero_stage_or_fsdp, cp * dp),
                recompute: recompute(row),
                recompute_layers: recompute_layers(&row.recompute),
                schedule: if vp > 1 && pp > 1 { ScheduleKind::Interleaved } else { ScheduleKind::OneForwardOneBackward },
                split: LayerDeal::Even,
                rank_order: RankOrder::default(),
                overlap: software(row).overlaps_replicas(),
                seam: None,
            },
            open_microbatch: row.mbs.is_none(),
        })
    }
}

fn precision(text: &str) -> Result<Precision, String> {
    match text.trim() {
        "" => Err("the data type is not known".into()),
        "bf16" => Ok(Precision::Bf16),
        // Where a source leaves it open, the memory of its runs has no room for 32-bit gradients.
        "fp16" | "fp16/bf16" | "bf16 or fp16" => Ok(Precision::Fp16),
        text if text.starts_with("mxfp8") => Ok(Precision::Mxfp8),
        text if text.starts_with("fp8") => Ok(Precision::Fp8),
        text if text.starts_with("nvfp4") || text.starts_with("fp4") => Ok(Precision::Nvfp4),
        text if text.starts_with("int8") => Ok(Precision::Int8),
        "fp32" | "tf32" => Ok(Precision::Tf32),
        text => Err(format!("the data type `{text}` is not modelled")),
    }
}

impl Layout {
    /// The same with other microbatches, where they divide what a replica works on.
    #[must_use]
    pub fn with_microbatch(self, size: u32) -> Option<Self> {
        let each = self.strategy.microbatch * self.strategy.microbatches;
        (each % size == 0)
            .then_some(Self { strategy: Strategy { microbatch: size, microbatches: each / size, ..self.strategy }, ..self })
    }
}

fn computation(row: &PublishedRun, sequence: u32) -> Result<Computation, String> {
    let software = software(row);
    let notes = row.overlap_notes.to_lowercase();
    let base = Computation::new(sequence, precision(&row.precision)?, software);
    Ok(Computation {
        // The fused kernel with linear biases that MPT was benchmarked with.
        attention: if row.framework.starts_with("llm-foundry") {
            AttentionKernel::Triton
        } else if row.model_name.starts_with("GPT-OSS") && !notes.contains("flexattn") {
            // PyTorch's FlexAttention generates a flash kernel that has the sinks in it.
            AttentionKernel::Sinks
        } else {
            base.attention
        },
        graphs: graphs(row, &notes).unwrap_or(base.graphs),
        tensor_overlap: if software == Software::FsdpCompiled {
            notes.contains("asynctp")
        } else {
            base.tensor_overlap && !notes.contains("tp_comm_overlap=false")
        },
        expert_overlap: notes.contains("ep all-to-all overlap"),
        adapters: row.task == "lora",
        storage: storage(row, &notes, &base),
        ..base
    })
}

/// What a row says of recorded graphs. On Grace hosts Megatron-Bridge's recipes have had them since its first release, of November 2025,
/// for parts of layers, and since the summer of 2026 for whole steps, whether a row says so or not.
fn graphs(row: &PublishedRun, notes: &str) -> Option<Graphs> {
    let whole =
        ["full_iteration", "full_cuda_graph=1"].iter().any(|graph| notes.contains(graph)) && !notes.contains("graph none");
    let on_grace = row.accelerator.starts_with("GB") && release(row).is_finite();
    // Rows that name their recipe say what of it is recorded.
    let bridge = row.framework.starts_with("Megatron-Bridge") && notes.is_empty();
    if whole || on_grace && release(row) > 2026.5 {
        Some(Graphs::Full)
    } else if ["cuda graph transformer_engine", "cuda_graph=1"].iter().any(|graph| notes.contains(graph))
        || on_grace && bridge && release(row) > 2025.8
    {
        Some(Graphs::Partial)
    } else {
        None
    }
}

/// Whether a row's notes say that a model with experts is written in fused kernels throughout, as those of `NeMo` AutoModel are;
/// its dense ones are Hugging Face's, run eagerly.
fn fused(row: &PublishedRun) -> bool {
    let has = |name| row.overlap_notes.split([' ', '+', ';', ',']).any(|word| word == name);
    has("TE") && has("DeepEP")
}

/// Whether a row's notes say that its kernels were compiled.
fn compiled(row: &PublishedRun) -> bool {
    row.overlap_notes.contains("compile") && !row.overlap_notes.contains("no compile")
}

/// The class of a row's framework.
fn software(row: &PublishedRun) -> Software {
    let framework = row.framework.to_lowercase();
    let has = |part: &str| framework.contains(part);
    // Without ZeRO it is Megatron-LM's own engine and checkpointing that run.
    if has("deepspeed") && row.zero_stage_or_fsdp.contains("zero") {
        Software::MegatronDeepspeed
    } else if has("deepspeed") || framework == "megatron-lm" && release(row) < 2023.0 {
        Software::Megatron2021
    } else if ["maxtext", "jax", "pax", "levanter", "t5x"].iter().any(|name| has(name)) {
        Software::Xla
    } else if has("torchtitan") && !compiled(row) {
        // torchtitan says where it compiles; without, it runs eagerly.
        Software::Fsdp
    } else if has("torchtitan") || has("compile") || has("torchao") || has("automodel") && fused(row) {
        Software::FsdpCompiled
    } else if ["fsdp", "internevo", "composer", "lightning", "lit-gpt", "automodel", "picotron", "colossal"]
        .iter()
        .any(|name| has(name))
    {
        Software::Fsdp
    } else if release(row) < 2025.35 {
        Software::MegatronCore2024
    } else {
        Software::MegatronCore
    }
}

/// The release of a framework or round as a year and its fraction: `NeMo 26.04.01 container`, `v25.05 (2025-05)`, `2024-01`.
fn release(row: &PublishedRun) -> f64 {
    let digits = |text: &str| text.trim_matches(|c: char| !c.is_ascii_digit()).to_owned();
    for word in row.date_or_release.split([' ', '(', ')', '_']) {
        let word = digits(word);
        let mut parts = word.split(['.', '-']);
        let (Some(year), Some(month)) = (parts.next(), parts.next()) else { continue };
        let (Ok(year), Ok(month)) = (year.parse::<f64>(), month.parse::<f64>()) else { continue };
        let year = if year < 100.0 { 2000.0 + year } else { year };
        if (2018.0..2100.0).contains(&year) && (1.0..=12.0).contains(&month) {
            return year + (month - 1.0) / 12.0;
        }
    }
    // Without a date: as the newest.
    f64::INFINITY
}

/// How many copies there are of what ZeRO divides, where a row says over how many of `ranks` it does: `zero1 within 8 GPUs`,
/// `FSDP over 128 x DP 4`. What is divided over one rank is taken as divided over all, as if the row did not say.
fn copies(text: &str, ranks: u32) -> u32 {
    let after = |words: &str| text.split(words).nth(1)?.split(' ').next()?.parse::<u32>().ok();
    let copies = after("within ").map(|each| ranks / each.max(1)).or_else(|| after(" x DP "));
    copies.filter(|copies| (1..ranks).contains(copies) && ranks % copies == 0).unwrap_or(1)
}

fn zero(text: &str, megatron: bool) -> u8 {
    let text = text.to_lowercase();
    match text.as_str() {
        "" if megatron => 1,
        "" | "none" | "zero0" => 0,
        text if text.contains("zero-2") || text.contains("zero2") || text.contains("shard_grad_op") => 2,
        text if text.contains("zero1") => 1,
        text if text.contains("none") => 0,
        text if text.contains("zero3") || text.contains("fsdp") => 3,
        _ => 1,
    }
}

/// What a row's job stores in fewer bits than its framework does by default.
fn storage(row: &PublishedRun, notes: &str, base: &Computation) -> Storage {
    let eight = base.software.is_megatron_core() && base.precision.is_narrow();
    let adapters = row.task == "lora";
    let stated = ["fp8_params=true", "fp8_param_gather=true"].iter().any(|option| notes.contains(option));
    // MLPerf's submissions share NVIDIA's settings: frozen weights in 8 bits where the matmuls are (`fp8_params`), gradients summed
    // in 16 bits.
    let contest = row.source.starts_with("MLPerf") && base.software.is_megatron_core();
    // NVIDIA's performance recipes set `grad_reduce_in_fp32 = False` (Megatron-Bridge, `scripts/performance`).
    let framework = row.framework.to_lowercase();
    let recipe = base.software.is_megatron_core() && ["bridge", "nemo"].iter().any(|name| framework.contains(name));
    Storage {
        narrow_weights: eight && (stated || adapters),
        narrow_gradients: contest || recipe,
        // `FP8_ACT=1` is set in the configurations that do not divide the sequence.
        narrow_activation: eight && contest && adapters && row.cp.unwrap_or(1) == 1,
        half_shards: framework.contains("internevo"),
        owners: framework.contains("internevo"),
        // Megatron-LM has had the fused kernel since commit 83b1e42f, of February 2022.
        summed_apart: framework.contains("internevo") || base.software.is_early_megatron() && release(row) < 2022.1,
        named: (base.software == Software::Xla).then(|| named(&row.recompute)),
        recomputed: recomputed(&row.recompute),
        offloaded_layers: notes
            .split("cpu activation offload ")
            .nth(1)
            .and_then(|n| n.split(' ').next()?.parse().ok())
            .unwrap_or(0),
        // torchtitan stopped compiling its loss in December 2024 (pull request 755) and began again in April 2025 (1033); figures
        // published in that month are older.
        loss: if row.framework.contains("torchtitan") && release(row) < 2025.4 { Loss::Unfused } else { Loss::Default },
    }
}

/// The tensors that a remat policy of `MaxText` or Pax keeps on the accelerator; without one, the layers' inputs.
fn named(policy: &str) -> Tensors {
    let all = [
        ("query_proj", Tensors::QUERY),
        ("key_proj", Tensors::KEY),
        ("value_proj", Tensors::VALUE),
        ("qkv_proj", Tensors::QUERY.with(Tensors::KEY).with(Tensors::VALUE)),
        ("context", Tensors::CONTEXT),
        ("out_proj", Tensors::OUT),
        ("mlpwi", Tensors::UP),
        ("mlpwo", Tensors::DOWN),
    ];
    let every = all.iter().fold(Tensors::INPUT, |set, (_, tensor)| set.with(*tensor));
    match policy {
        text if text.contains("custom") => {
            let input = if text.contains("decoder_layer_input=offload") { Tensors::default() } else { Tensors::INPUT };
            let kept = all.iter().filter(|(name, _)| text.contains(&format!("{name}=device")));
            kept.fold(input, |set, (_, tensor)| set.with(*tensor))
        }
        text if text.contains("ffn1") || text.contains("except_mlpwi") => every.without(Tensors::UP),
        text if text.contains("minimal") || text.contains("save_dot") => every,
        _ => Tensors::INPUT,
    }
}

/// `selective(moe_act,layernorm)`: what Megatron-Core computes again.
fn recomputed(text: &str) -> Modules {
    let names = text.strip_prefix("selective(").and_then(|rest| rest.strip_suffix(')')).unwrap_or("");
    names.split(',').fold(Modules::default(), |set, name| {
        set.with(match name {
            "layernorm" => Modules::NORMS,
            "moe_act" => Modules::EXPERT_ACTIVATION,
            "mla_up_proj" => Modules::LATENT_UP,
            "moe" => Modules::EXPERTS,
            "mlp" => Modules::FEED_FORWARD,
            _ => Modules::default(),
        })
    })
}

fn recompute(row: &PublishedRun) -> Recompute {
    match row.recompute.as_str() {
        // What torchtitan's configurations have.
        "" if row.framework.starts_with("torchtitan") => Recompute::Selective,
        "" | "none" => Recompute::None,
        text if text.contains("full") => Recompute::Full,
        _ => Recompute::Selective,
    }
}

/// `full block(5 layers)`, `partial(full/block, 21 layers)`: so many layers of a stage; 0 for all.
fn recompute_layers(text: &str) -> u16 {
    let count = text.split(['(', ',']).find_map(|part| part.trim().strip_suffix("layers)")?.trim().parse().ok());
    count.unwrap_or(0)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_over_how_many_ranks_zero_divides() {
        assert_eq!(copies("zero1 within 8 GPUs", 512), 64);
        assert_eq!(copies("zero1 within 4 ranks", 4), 1);
        assert_eq!(copies("FSDP over 128 x DP 4", 512), 4);
        assert_eq!(copies("FSDP 8 within node x DP 4", 32), 4);
        for whole in ["zero1 over all DP", "FSDP over 256 x DP 1", "FSDP 1 x DP 64", "zero3", ""] {
            assert_eq!(copies(whole, 64), 1, "{whole}");
        }
    }

    /// What rows leave open of their recipes.
    #[test]
    fn releases_say_what_rows_do_not() {
        let rows = crate::validate::row::read(crate::validate::PUBLISHED).expect("it is read");
        let of = |id: &str| {
            let row = rows.iter().find(|row| row.id == id).unwrap_or_else(|| panic!("a row {id}"));
            Layout::of(row).unwrap_or_else(|error| panic!("{id}: {error}")).computation
        };
        // Megatron-Bridge on racks: 25.09 and 25.11, both silent; a recipe without graphs; 26.08.
        let graphs = ["MB0020", "MB0044", "MB0107", "MB0325"].map(|id| of(id).graphs);
        assert_eq!(graphs, [Graphs::None, Graphs::Partial, Graphs::None, Graphs::Full]);
        // Megatron-LM of 2021 and of May 2022, and InternEvo.
        let apart = ["MI0116", "MI0081", "MI0052"].map(|id| of(id).sums_apart());
        assert_eq!(apart, [true, false, true]);
    }
}
