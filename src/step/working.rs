//! What a rank holds only while one piece of the model is computed: gradients in passing, logits, gathered weights, and what
//! recomputation keeps.

use crate::model::{Architecture, Heads, Kernel, LayerKind, Operator, Shard};
use crate::spec::{Loss, Modules, Software, Tensors};
use crate::units::Bytes;

/// Gradients of the input and the output of the operator where they are largest together.
#[must_use]
pub fn passing_gradients(operators: &[Operator], shard: &Shard) -> Bytes {
    let element = shard.precision.activation_bytes();
    let largest = operators.iter().flat_map(|operator| &operator.forward).map(|kernel| match *kernel {
        Kernel::Matmul { m, n, k, batch, .. } => batch * m * (n + k) * element,
        Kernel::Attention { .. } | Kernel::Stream { .. } => 0.0,
    });
    Bytes::new(largest.fold(0.0, f64::max))
}

/// Bytes of a logit and of what the loss makes of it, at their most.
///
/// Megatron works in place on a 32-bit copy of 16-bit logits (`vocab_parallel_cross_entropy`). `PyTorch` run kernel by kernel
/// holds the logits in 16 bits and, in 32, their log-softmax, its gradient and that of the logits; over a vocabulary divided over
/// tensor-parallel ranks one more, the exponential (`torch/distributed/tensor/parallel/loss.py`). Compiled by Inductor or XLA, or with the
/// fused kernel of flash-attention that Composer and `InternEvo` use, it holds the logits and their gradient, both in 16 bits.
#[must_use]
pub fn logit_bytes(software: Software, loss: Loss, tensor: u32) -> f64 {
    match (software, loss) {
        (_, Loss::Unfused) if tensor > 1 => 2.0 + 4.0 * 4.0,
        (_, Loss::Unfused) => 2.0 + 3.0 * 4.0,
        (Software::Fsdp | Software::FsdpCompiled | Software::Xla, Loss::Default) => 2.0 + 2.0,
        (_, Loss::Default) => 2.0 + 4.0,
    }
}

/// Bytes that ZeRO-3 holds of the `parameters` of the layer at work.
///
/// FSDP gathers layer by layer: its weights and the next one's in 16 bits, its gradients in 16 bits and, to be reduced, in 32.
/// `DeepSpeed` gathers module by module, of at most 10⁹ parameters at a time (`stage3_max_live_parameters`). XLA gathers before every
/// matmul, of which a layer has three large ones at least.
#[must_use]
pub fn gathered(software: Software, parameters: f64) -> Bytes {
    let pair = 2.0 + 2.0;
    Bytes::new(match software {
        Software::MegatronDeepspeed => parameters.min(1e9) * pair,
        Software::Xla => parameters / 3.0 * pair,
        _ => parameters * (pair + 2.0 + 4.0),
    })
}

/// What torchtitan's selective checkpointing of operators keeps of a layer: its input, what attention returns, and the results of
/// every second matmul, of the first, third and so on (`torchtitan/distributed/activation_checkpoint.py`).
#[must_use]
pub fn every_second_matmul(model: &Architecture, kind: LayerKind, shard: &Shard) -> Bytes {
    let t = f64::from(shard.tensor);
    let h = f64::from(model.hidden);
    let heads = f64::from(model.heads.query());
    let context = heads * f64::from(model.heads.value_dim()) / t;
    // Outputs of the projections in the order in which they run: divided where the weights' columns are, whole where the rows are.
    let mut outputs = match model.heads {
        Heads::Grouped { query, key_value, dim } => {
            let [q, kv] = [query, key_value].map(|heads| f64::from(heads) * f64::from(dim) / t);
            vec![q, kv, kv, h]
        }
        Heads::Latent { query, q_rank, kv_rank, nope_dim, rope_dim, v_dim } => {
            let [a, q, c, n, r, v] = [query, q_rank, kv_rank, nope_dim, rope_dim, v_dim].map(f64::from);
            let queries = a * (n + r) / t;
            let mut all = if q_rank == 0 { vec![queries] } else { vec![q, queries] };
            all.extend([c + r, a * (n + v) / t, h]);
            all
        }
    };
    let ffn = match (kind, model.moe) {
        // Grouped matmuls of experts are not on the list.
        (LayerKind::Moe, Some(moe)) => f64::from(moe.shared_ffn),
        _ => f64::from(model.ffn),
    } / t;
    if ffn > 0.0 {
        outputs.extend(vec![ffn; model.ffn_matrices() as usize - 1]);
        outputs.push(h);
    }
    let kept: f64 = outputs.iter().step_by(2).sum();
    let element = shard.precision.activation_bytes();
    let statistics = 4.0 * heads / t;
    Bytes::new(shard.tokens() * ((kept + context) * element + statistics) + shard.sequence_tokens() * h * element)
}

/// Bytes of the named tensors of a layer.
#[must_use]
pub fn named_tensors(model: &Architecture, kind: LayerKind, shard: &Shard, tensors: Tensors) -> Bytes {
    let t = f64::from(shard.tensor);
    let h = f64::from(model.hidden);
    let [heads, kv] = [model.heads.query(), model.heads.key_value()].map(f64::from);
    let [d, v] = [model.heads.query_dim(), model.heads.value_dim()].map(f64::from);
    let ffn = match (kind, model.moe) {
        (LayerKind::Moe, Some(moe)) => f64::from(moe.top_k) * f64::from(moe.ffn) + f64::from(moe.shared_ffn),
        _ => f64::from(model.ffn),
    };
    let widths = [
        (Tensors::QUERY, heads * d / t),
        (Tensors::KEY, kv * d / t),
        (Tensors::VALUE, kv * v / t),
        (Tensors::CONTEXT, heads * v / t),
        // `MaxText` divides the residual stream over the tensor axis too.
        (Tensors::OUT, h / t),
        (Tensors::UP, ffn * f64::from(model.ffn_matrices() - 1) / t),
        (Tensors::DOWN, h / t),
    ];
    let inside: f64 = widths.iter().filter(|(tensor, _)| tensors.has(*tensor)).map(|(_, width)| width).sum();
    let input = if tensors.has(Tensors::INPUT) { h / t } else { 0.0 };
    Bytes::new(shard.tokens() * (inside + input) * shard.precision.activation_bytes())
}

/// Bytes that computing `modules` again saves keeping in a layer of these operators.
#[must_use]
pub fn freed(operators: &[Operator], model: &Architecture, shard: &Shard, modules: Modules) -> Bytes {
    let input = shard.sequence_tokens() * f64::from(model.hidden) * shard.precision.activation_bytes();
    let experts = operators.iter().any(|operator| operator.name == "router");
    let frees = |operator: &Operator| -> f64 {
        let kept = operator.saved.bytes.get();
        match operator.name {
            "qkv projection" | "latent down projection" | "router" | "shared expert up projection" | "up projection"
                if modules.has(Modules::NORMS) =>
            {
                kept
            }
            "expert down projection" if modules.has(Modules::EXPERT_ACTIVATION) => kept,
            // Logarithms of the softmax's sums stay.
            "flash attention" if modules.has(Modules::LATENT_UP) => {
                (kept - 4.0 * shard.tokens() * f64::from(model.heads.query()) / f64::from(shard.tensor)).max(0.0)
            }
            // The block's input stays, in the router's place.
            "router" if modules.has(Modules::EXPERTS) => (kept - input).max(0.0),
            name if modules.has(Modules::EXPERTS) && experts && (name.contains("expert")) => kept,
            "up projection" | "activation" | "down projection" if modules.has(Modules::FEED_FORWARD) => {
                if operator.name == "up projection" { (kept - input).max(0.0) } else { kept }
            }
            _ => 0.0,
        }
    };
    Bytes::new(operators.iter().map(frees).sum())
}
