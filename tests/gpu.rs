//! Kernels on a GPU, or on a driver that computes on the CPU: right results pass, broken kernels are caught.
//!
//! Where there is no adapter the tests say so and end; with `PLANNER_REQUIRE_GPU=1` that is a failure, and with
//! `PLANNER_REQUIRE_COOPERATIVE=1` it is one when the adapter has no cooperative matrices.

use std::io::Write as _;

use planner::bench::gpu::{Checks, Gpu, Gpus, choose};
use planner::bench::{Device, Effort, Kernel, Kind, Verdict, bench, kernels, suite};

/// Past what the test harness keeps to itself of tests that pass.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn required(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| value == "1")
}

/// The adapter that the tests run on: software where there is one, since results are what is tested.
fn open(checks: Checks) -> Option<Gpu> {
    let gpus = Gpus::find();
    let software = gpus.adapters().iter().find(|adapter| adapter.kind == Kind::Software).map(|adapter| adapter.index);
    let index = software.or_else(|| choose(gpus.adapters(), None).ok());
    let Some(index) = index else {
        assert!(!required("PLANNER_REQUIRE_GPU"), "PLANNER_REQUIRE_GPU is set, and no driver offers an adapter");
        say("left out: no adapter; install mesa-vulkan-drivers, or set VK_DRIVER_FILES");
        return None;
    };
    let gpu = Gpu::open(&gpus, index, checks).expect("the adapter opens");
    say(&format!("on {} ({})", gpu.adapter().name, gpu.adapter().driver_info));
    Some(gpu)
}

fn verdict(gpu: &mut Gpu, kernel: &Kernel) -> Verdict {
    gpu.load(kernel).unwrap_or_else(|error| panic!("{}: {error}\n{}", kernel.name, kernel.source));
    gpu.run(1).unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
    gpu.verify().unwrap_or_else(|error| panic!("{}: {error}", kernel.name))
}

/// Small ones of every family; the cooperative ones where the adapter has the tiles.
fn all(gpu: &Gpu) -> Vec<Kernel> {
    let (tile, subgroup) = (gpu.adapter().tile(), gpu.adapter().subgroup_max);
    let mut all = vec![
        kernels::read(1 << 20),
        kernels::write(1 << 20),
        kernels::copy(1 << 20),
        kernels::copy_window(1 << 18, 1 << 20),
        kernels::triad(1 << 20),
        kernels::reread(1 << 18, 1 << 20),
        kernels::fma_f32(2),
        kernels::dot_i8(2),
        kernels::matmul_f32([256, 384, 64], 128),
        kernels::matmul_f32([128, 192, 48], 64),
        kernels::launch(10),
    ];
    if gpu.adapter().f16 {
        all.extend([kernels::fma_f16(2), kernels::matmul_f16([256, 384, 64], 128), kernels::matmul_f16([128, 192, 48], 64)]);
    } else {
        assert!(!required("PLANNER_REQUIRE_GPU"), "PLANNER_REQUIRE_GPU is set, and the adapter has no f16");
        say("left out: f16 kernels, which this adapter does not take");
    }
    match tile {
        Some(tile) => all.extend([
            kernels::coop_registers(tile, subgroup, 2, 2),
            kernels::coop_staged([16 * tile, 24 * tile, 6 * tile], tile, subgroup, [2, 2]),
            kernels::coop_staged([32 * tile, 24 * tile, 6 * tile], tile, subgroup, [4, 2]),
        ]),
        None => {
            assert!(
                !required("PLANNER_REQUIRE_COOPERATIVE"),
                "PLANNER_REQUIRE_COOPERATIVE is set, and the adapter has no tiles"
            );
            say("left out: cooperative matrices, which this adapter does not have");
        }
    }
    all
}

#[test]
fn every_kernel_is_right_with_checks_and_without() {
    for checks in [Checks::On, Checks::Off] {
        let Some(mut gpu) = open(checks) else { return };
        for kernel in all(&gpu) {
            assert_eq!(kernel.unmet(gpu.adapter()), None, "{}", kernel.name);
            let verdict = verdict(&mut gpu, &kernel);
            assert!(verdict.passed, "{} ({checks:?}): {:?}", kernel.name, verdict.fault);
            assert!(verdict.worst < 0.5, "{}: {} of the tolerance", kernel.name, verdict.worst);
        }
    }
}

/// A kernel with one thing wrong; the text must be in its source.
fn broken(mut kernel: Kernel, right: &str, wrong: &str) -> Kernel {
    assert!(kernel.source.contains(right), "{} has no `{right}`", kernel.name);
    kernel.source = kernel.source.replacen(right, wrong, 1).into();
    kernel
}

#[test]
fn broken_kernels_are_caught() {
    let Some(mut gpu) = open(Checks::On) else { return };
    let mut faults = Vec::new();
    for kernel in all(&gpu) {
        // A wrong stride, a part dropped, and a store of nothing, for each family.
        let three: [(&str, &str); 3] = match kernel.family {
            "read" => [("input[i + STRIDE]", "input[i + STRIDE + 1u]"), ("(c + d)", "c"), ("= sum;", "= vec4(0u);")],
            "write" => [
                ("to[i + STRIDE]", "to[i + STRIDE + 1u]"),
                ("value(i + 3u * STRIDE)", "value(i)"),
                ("= value(i);", "= vec4(0u);"),
            ],
            "copy" | "sweep" => [
                ("input[i + STRIDE]", "input[i + STRIDE + 1u]"),
                ("to[i + 3u * STRIDE] = d;", ""),
                ("to[i] = a;", "to[i] = vec4(0u);"),
            ],
            "triad" => [
                ("left[i + STRIDE]", "left[i + STRIDE + 1u]"),
                ("to[i + 3u * STRIDE] = d;", ""),
                ("to[i] = a;", "to[i] = vec4(0.0);"),
            ],
            "reread" => [
                ("round * SHIFT", "round * SHIFT + (round & id.x)"),
                ("round < ROUNDS", "round + 1u < ROUNDS"),
                ("= sum;", "= vec4(0u);"),
            ],
            "fma_f32" | "fma_f16" => {
                [("turn < TURNS", "turn + 1u < TURNS"), ("x5 = last_four(", "x5 = four("), ("= sum +", "= 0.0 * sum +")]
            }
            "dot_i8" => {
                [("turn < TURNS", "turn + 1u < TURNS"), ("x7 = four(x7, by, plus);", ""), ("vec4(x0 ^ x4,", "vec4(0u,")]
            }
            "matmul_f32" | "matmul_f16" => [
                ("next_a[l] = ma[((row0 + i / 4u) * K + k1) / 4u", "next_a[l] = ma[((row0 + i / 4u) * N + k1) / 4u"),
                ("k1 < K", "k1 + 16u < K"),
                ("= c71;", "= vec4(0.0);"),
            ],
            "coop_registers" => [
                ("turn < TURNS", "turn + 1u < TURNS"),
                ("c5 = coopMultiplyAdd(a5, b, c5);", ""),
                ("coopStoreT(c7,", "coopStoreT(c6,"),
            ],
            "coop_staged" => [
                ("* A_STRIDE + k / 4u], A_STRIDE)", "* A_STRIDE + k / 4u], A_STRIDE - 1u)"),
                ("c31 = coopMultiplyAdd(a3, b1, c31);", ""),
                ("coopStoreT(c22,", "coopStoreT(Sum(),"),
            ],
            "empty" => [("done[0]", "done[0 * 1]"), ("4u)", "5u)"), ("vec4(1u, 2u, 3u, 4u)", "vec4(0u)")],
            family => panic!("no faults are known for {family}"),
        };
        for (right, wrong) in three {
            if kernel.family == "empty" && wrong.contains("0 * 1") {
                continue; // One store of one thread has no stride.
            }
            let fault = broken(kernel.clone(), right, wrong);
            if verdict(&mut gpu, &fault).passed {
                faults.push(format!("{}: `{right}` as `{wrong}` passes", kernel.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Results that are too large to be compared in full are compared in parts, spread so that a fault of a kernel still shows.
#[test]
fn large_results_are_sampled_and_faults_in_them_found() {
    let Some(mut gpu) = open(Checks::On) else { return };
    let mut cases = vec![
        (kernels::copy(8 << 20), "input[i + STRIDE]", "input[i + STRIDE + 1u]", "64 windows"),
        (kernels::triad(8 << 20), "to[i + 3u * STRIDE] = d;", "", "64 windows"),
        (kernels::matmul_f32([640, 768, 64], 128), "= c71;", "= vec4(0.0);", "64 of 640 rows"),
        (kernels::dot_i8(16), "turn < TURNS", "turn + 1u < TURNS", "both ends"),
    ];
    if let Some(tile) = gpu.adapter().tile() {
        let kernel = kernels::coop_registers(tile, gpu.adapter().subgroup_max, 4, 8);
        cases.push((kernel, "coopStoreT(c3,", "coopStoreT(c2,", "16 of 32 subgroups"));
    }
    for (kernel, right, wrong, method) in cases {
        let good = verdict(&mut gpu, &kernel);
        assert!(good.passed && good.method.contains(method), "{}: {good:?}", kernel.name);
        assert!(!verdict(&mut gpu, &broken(kernel.clone(), right, wrong)).passed, "{}: `{right}` as `{wrong}`", kernel.name);
    }
}

#[test]
fn a_quick_run_measures_every_kernel_that_the_adapter_has() {
    let Some(mut gpu) = open(Checks::Off) else { return };
    if gpu.adapter().kind != Kind::Software {
        say("left out: a whole run, which is for software adapters");
        return;
    }
    let kernels = suite(gpu.adapter(), Effort::Quick);
    let result = bench(&mut gpu, &kernels, Effort::Quick, &mut ());
    assert_eq!(result.failure, None);
    assert_eq!(result.measurements.len() + result.skipped.len(), kernels.len());
    for measured in &result.measurements {
        assert!(measured.check.passed, "{}: {:?}", measured.kernel, measured.check.fault);
        assert!(measured.samples.len() >= 15, "{}", measured.kernel);
        assert!(measured.rate.is_some_and(|rate| rate.is_finite() && rate > 0.0), "{}: {:?}", measured.kernel, measured.rate);
    }
    for skipped in &result.skipped {
        assert!(skipped.kernel.starts_with("tensor") && gpu.adapter().tile().is_none(), "{skipped:?}");
    }
}

/// No driver at hand has tiles of 16, nor 256 threads a group of them: the validation of a device that computes nothing has.
#[test]
fn kernels_of_a_data_centre_gpu_are_valid() {
    let gpus = Gpus::noop();
    let mut gpu = Gpu::open(&gpus, 0, Checks::On).expect("the noop device is built in");
    for tile in [8, 16] {
        for kernel in [
            kernels::coop_registers(tile, 32, 4, 64),
            kernels::coop_staged([1024; 3], tile, 32, [2, 2]),
            kernels::coop_staged([1024; 3], tile, 32, [4, 2]),
            kernels::matmul_f32([1024; 3], 128),
            kernels::matmul_f32([1024; 3], 64),
            kernels::matmul_f16([1024; 3], 128),
            kernels::fma_f16(64),
        ] {
            gpu.load(&kernel).unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
            let source = &kernel.source;
            if kernel.needs.tile.is_some() {
                assert!(source.contains(&format!("coop_mat{tile}x{tile}<f16, A>")), "{source}");
            }
        }
    }
    let unclear = Kernel { source: "@compute @workgroup_size(64) fn main() { nothing }".into(), ..kernels::launch(1) };
    assert!(gpu.load(&unclear).is_err(), "the device does look at shaders");
}

/// Whatever the machine has: the loader is told of a driver that is not there.
#[test]
fn without_a_gpu_the_exit_code_is_three_and_the_remedy_is_said() {
    for arguments in [&["bench"][..], &["bench", "--list"], &["bench", "--all", "--quick"], &["bench", "--gpu", "h200"]] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_planner"))
            .args(arguments)
            .env("VK_DRIVER_FILES", "/nonexistent/icd.json")
            .env("VK_ICD_FILENAMES", "/nonexistent/icd.json")
            .env("WGPU_BACKEND", "vulkan")
            .output()
            .expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(said.contains("no GPU was found") && said.contains("libvulkan1") && said.contains("VK_DRIVER_FILES"), "{said}");
    }
}

#[test]
fn what_cannot_be_written_is_said_before_anything_is_measured() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_planner"))
        .args(["bench", "-o", "result.xlsx"])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the ending tells the form"));
}
