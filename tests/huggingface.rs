//! Hugging Face configurations read as models: the parameter counts are those of the published weights.

use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::model::Architecture;
use planner::spec::Workload;

/// The fields of a published `config.json` that matter, and the parameters of the published weights (safetensors totals of the
/// models' pages; mixtral and deepseek as their reports count them).
const CONFIGS: [(&str, &str, f64); 9] = [
    (
        "llama-3-8b",
        r#"{"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
            "num_key_value_heads": 8, "vocab_size": 128256, "tie_word_embeddings": false, "hidden_act": "silu",
            "max_position_embeddings": 8192, "torch_dtype": "bfloat16"}"#,
        8.030e9,
    ),
    (
        "mistral-7b",
        r#"{"model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
            "num_key_value_heads": 8, "vocab_size": 32000, "sliding_window": 4096, "hidden_act": "silu", "tie_word_embeddings": false}"#,
        7.242e9,
    ),
    (
        "qwen2-7b",
        r#"{"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
            "num_key_value_heads": 4, "vocab_size": 152064, "tie_word_embeddings": false, "hidden_act": "silu",
            "use_sliding_window": false, "sliding_window": 131072}"#,
        7.616e9,
    ),
    (
        "qwen3-30b-a3b",
        r#"{"model_type": "qwen3_moe", "hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 48, "num_attention_heads": 32,
            "num_key_value_heads": 4, "head_dim": 128, "vocab_size": 151936, "num_experts": 128, "num_experts_per_tok": 8,
            "moe_intermediate_size": 768, "decoder_sparse_step": 1, "tie_word_embeddings": false, "hidden_act": "silu"}"#,
        30.53e9,
    ),
    (
        "gemma-2-9b",
        r#"{"model_type": "gemma2", "hidden_size": 3584, "intermediate_size": 14336, "num_hidden_layers": 42, "num_attention_heads": 16,
            "num_key_value_heads": 8, "head_dim": 256, "vocab_size": 256000, "hidden_activation": "gelu_pytorch_tanh", "sliding_window": 4096}"#,
        9.242e9,
    ),
    (
        "mixtral-8x7b",
        r#"{"model_type": "mixtral", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
            "num_key_value_heads": 8, "vocab_size": 32000, "num_local_experts": 8, "num_experts_per_tok": 2, "sliding_window": null,
            "tie_word_embeddings": false, "hidden_act": "silu"}"#,
        46.70e9,
    ),
    (
        "deepseek-v3",
        r#"{"model_type": "deepseek_v3", "hidden_size": 7168, "intermediate_size": 18432, "num_hidden_layers": 61, "num_attention_heads": 128,
            "num_key_value_heads": 128, "vocab_size": 129280, "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8,
            "moe_intermediate_size": 2048, "first_k_dense_replace": 3, "moe_layer_freq": 1, "q_lora_rank": 1536, "kv_lora_rank": 512,
            "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "num_nextn_predict_layers": 1, "hidden_act": "silu",
            "tie_word_embeddings": false}"#,
        671.0e9,
    ),
    (
        "gpt2-xl",
        r#"{"model_type": "gpt2", "n_embd": 1600, "n_layer": 48, "n_head": 25, "n_positions": 1024, "vocab_size": 50257,
            "activation_function": "gelu_new"}"#,
        1.558e9,
    ),
    (
        "opt-6.7b",
        r#"{"model_type": "opt", "hidden_size": 4096, "ffn_dim": 16384, "num_hidden_layers": 32, "num_attention_heads": 32,
            "vocab_size": 50272, "max_position_embeddings": 2048, "activation_function": "relu"}"#,
        6.658e9,
    ),
];

fn workload(model: &str) -> String {
    format!("jobs:\n- name: a\n  model: {model}/config.json\n  sequence: 2048\n  global-batch: 64 sequences\n")
}

#[test]
fn published_configurations_give_the_published_counts() {
    let folder = std::env::temp_dir().join(format!("planner-huggingface-{}", std::process::id()));
    for (name, config, parameters) in CONFIGS {
        std::fs::create_dir_all(folder.join(name)).expect("a folder");
        std::fs::write(folder.join(name).join("config.json"), config).expect("a file");
        let path = folder.join("w.yaml").to_string_lossy().into_owned();
        let source = Source::new(path, workload(name));
        let workload = Workload::load(source, Catalog::embedded()).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        assert_eq!(workload.jobs[0].model.name, name, "named after its folder");
        let model = Architecture::new(&workload.jobs[0].model).expect("consistent");
        let error = model.parameters() / parameters - 1.0;
        assert!(error.abs() < 0.005, "{name}: {:e}, {:+.2} %", model.parameters(), error * 100.0);
    }
    std::fs::remove_dir_all(folder).expect("removed");
}
