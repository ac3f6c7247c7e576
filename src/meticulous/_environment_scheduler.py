"""What a scheduler, a launcher and the user say in environment variables: allow-lists only.

A variable that is not named here is never read. Keys are the variables' names without the
scheduler's prefix, in lower case.
"""

from __future__ import annotations

import os
from typing import Any

from ._environment_source import read

__all__ = ["VARIABLES", "details", "ids", "variables"]

# scheduler: (the variable that tells that it is there, prefix, ids for each session, other facts)
_SCHEDULERS: dict[str, tuple[str, str, str, str]] = {
    "slurm": (
        "SLURM_JOB_ID",
        "SLURM_",
        "JOB_ID ARRAY_JOB_ID ARRAY_TASK_ID RESTART_COUNT STEP_ID PROCID LOCALID NODEID"
        " CLUSTER_NAME JOB_END_TIME",
        "JOB_NAME JOB_PARTITION JOB_QOS JOB_ACCOUNT JOB_RESERVATION JOB_NODELIST JOB_NUM_NODES"
        " JOB_CPUS_PER_NODE JOB_START_TIME ARRAY_TASK_COUNT NTASKS NTASKS_PER_NODE CPUS_PER_TASK"
        " CPUS_ON_NODE GPUS GPUS_ON_NODE GPUS_PER_NODE GPUS_PER_TASK JOB_GPUS STEP_GPUS"
        " MEM_PER_NODE MEM_PER_CPU MEM_PER_GPU SUBMIT_DIR SUBMIT_HOST",
    ),
    "pbs": (
        "PBS_JOBID",
        "PBS_",
        "JOBID ARRAY_ID ARRAY_INDEX ARRAYID NODENUM TASKNUM",
        "JOBNAME QUEUE NUM_NODES NUM_PPN NP O_HOST O_WORKDIR",
    ),
    "lsf": (
        "LSB_JOBID",
        "LSB_",
        "JOBID JOBINDEX",
        "JOBNAME QUEUE HOSTS DJOB_NUMPROC SUB_HOST PROJECT_NAME",
    ),
    "oar": ("OAR_JOB_ID", "OAR_", "JOB_ID ARRAY_ID ARRAY_INDEX", "JOB_NAME PROJECT_NAME WORKDIR"),
    "flux": ("FLUX_JOB_ID", "FLUX_", "JOB_ID TASK_RANK TASK_LOCAL_ID", "JOB_SIZE JOB_NNODES"),
    "aws-batch": (
        "AWS_BATCH_JOB_ID",
        "AWS_BATCH_",
        "JOB_ID JOB_ARRAY_INDEX JOB_ATTEMPT JOB_NODE_INDEX",
        "JQ_NAME CE_NAME JOB_NUM_NODES",
    ),
    "torchelastic": (
        "TORCHELASTIC_RUN_ID",
        "TORCHELASTIC_",
        "RUN_ID RESTART_COUNT",
        "MAX_RESTARTS",
    ),
    # SGE's names have no prefix; SGE_TASK_ID is in every job of it, and in nothing else.
    "sge": (
        "SGE_TASK_ID",
        "",
        "JOB_ID SGE_TASK_ID",
        "JOB_NAME QUEUE NSLOTS NHOSTS SGE_CLUSTER_NAME SGE_O_WORKDIR SGE_O_HOST",
    ),
    "sagemaker": ("SAGEMAKER_JOB_NAME", "SAGEMAKER_", "JOB_NAME", ""),
    "vertex": ("CLOUD_ML_JOB_ID", "CLOUD_ML_", "JOB_ID", "PROJECT_ID"),
    "azureml": ("AZUREML_RUN_ID", "AZUREML_", "RUN_ID", ""),
}
_POD = "POD_NAME POD_NAMESPACE POD_UID JOB_COMPLETION_INDEX"
_NAMESPACE = "var/run/secrets/kubernetes.io/serviceaccount/namespace"

# What changes results, speed, or which code and devices are used. Nothing that could be a secret.
_NAMES = """
CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER CUDA_LAUNCH_BLOCKING CUDA_MODULE_LOADING
CUBLAS_WORKSPACE_CONFIG NVIDIA_VISIBLE_DEVICES NVIDIA_TF32_OVERRIDE ROCR_VISIBLE_DEVICES
HIP_VISIBLE_DEVICES HSA_OVERRIDE_GFX_VERSION MIOPEN_FIND_MODE ONEAPI_DEVICE_SELECTOR
ZE_AFFINITY_MASK OMP_NUM_THREADS OMP_PROC_BIND OMP_PLACES OMP_SCHEDULE OMP_DYNAMIC KMP_AFFINITY
KMP_BLOCKTIME KMP_DETERMINISTIC_REDUCTION GOMP_CPU_AFFINITY MKL_NUM_THREADS MKL_CBWR MKL_DYNAMIC
MKL_THREADING_LAYER MKL_SERVICE_FORCE_INTEL MKL_DEBUG_CPU_TYPE OPENBLAS_NUM_THREADS
OPENBLAS_CORETYPE BLIS_NUM_THREADS VECLIB_MAXIMUM_THREADS NUMEXPR_NUM_THREADS
NUMEXPR_MAX_THREADS NUMBA_NUM_THREADS NUMBA_DISABLE_JIT RAYON_NUM_THREADS POLARS_MAX_THREADS
MALLOC_ARENA_MAX NCCL_DEBUG NCCL_ALGO NCCL_PROTO NCCL_SOCKET_IFNAME NCCL_IB_DISABLE NCCL_IB_HCA
NCCL_P2P_DISABLE NCCL_P2P_LEVEL NCCL_SHM_DISABLE NCCL_NET NCCL_NET_GDR_LEVEL NCCL_NVLS_ENABLE
NCCL_TIMEOUT NCCL_ASYNC_ERROR_HANDLING NCCL_MIN_NCHANNELS NCCL_MAX_NCHANNELS GLOO_SOCKET_IFNAME
TORCH_NCCL_ASYNC_ERROR_HANDLING TORCH_NCCL_BLOCKING_WAIT TORCH_CUDNN_V8_API_DISABLED
TORCH_ALLOW_TF32_CUBLAS_OVERRIDE TORCH_BLAS_PREFER_CUBLASLT TORCH_CUDA_ARCH_LIST TORCH_HOME
TORCH_LOGS TORCHDYNAMO_DISABLE TORCH_COMPILE_DISABLE TORCHINDUCTOR_CACHE_DIR
PYTORCH_CUDA_ALLOC_CONF PYTORCH_ALLOC_CONF PYTORCH_JIT PYTORCH_ENABLE_MPS_FALLBACK
PYTORCH_MPS_HIGH_WATERMARK_RATIO TF_DETERMINISTIC_OPS TF_CUDNN_DETERMINISTIC
TF_CUDNN_USE_AUTOTUNE TF_ENABLE_ONEDNN_OPTS TF_FORCE_GPU_ALLOW_GROWTH TF_GPU_ALLOCATOR
TF_GPU_THREAD_MODE TF_NUM_INTRAOP_THREADS TF_NUM_INTEROP_THREADS TF_XLA_FLAGS
TF_USE_LEGACY_KERAS TF_CPP_MIN_LOG_LEVEL TF_ENABLE_AUTO_MIXED_PRECISION KERAS_BACKEND XLA_FLAGS
XLA_PYTHON_CLIENT_PREALLOCATE XLA_PYTHON_CLIENT_MEM_FRACTION XLA_PYTHON_CLIENT_ALLOCATOR
LIBTPU_INIT_ARGS JAX_PLATFORMS JAX_PLATFORM_NAME JAX_ENABLE_X64 JAX_DEFAULT_MATMUL_PRECISION
JAX_DISABLE_JIT JAX_DEBUG_NANS JAX_DEFAULT_PRNG_IMPL JAX_THREEFRY_PARTITIONABLE HF_HOME
HF_HUB_OFFLINE TOKENIZERS_PARALLELISM HF_DATASETS_OFFLINE TRANSFORMERS_OFFLINE
ACCELERATE_MIXED_PRECISION ACCELERATE_USE_DEEPSPEED ACCELERATE_USE_FSDP PYTHONHASHSEED
PYTHONPATH PYTHONOPTIMIZE PYTHONUTF8 PYTHONIOENCODING PYTHON_GIL PYTHONMALLOC PYTHONWARNINGS
LD_PRELOAD LD_LIBRARY_PATH LANG LC_ALL LC_NUMERIC TZ CONDA_DEFAULT_ENV VIRTUAL_ENV RANK
WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE NODE_RANK GROUP_RANK ROLE_RANK ROLE_WORLD_SIZE
MASTER_ADDR MASTER_PORT OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE OMPI_COMM_WORLD_LOCAL_RANK
OMPI_COMM_WORLD_LOCAL_SIZE PMI_RANK PMI_SIZE PMIX_RANK
"""
VARIABLES = tuple(_NAMES.split())


def variables() -> dict[str, str]:
    """Give the environment variables that change results, by an explicit list of names."""
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}


def ids(root: str = "/") -> dict[str, Any]:
    """Tell which job this process is: the few ids that a session is known by.

    Returns:
        ``{"slurm": {"job_id": 17, …}}`` for each scheduler that this process runs under, often
        none. Whole numbers are integers.
    """
    return _known(root, False)


def details(root: str = "/") -> dict[str, Any]:
    """Tell what the scheduler granted, too: nodes, processors, queue, names, folders."""
    return _known(root, True)


def _known(root: str, everything: bool) -> dict[str, Any]:
    known = {}
    for scheduler, (mark, prefix, few, more) in _SCHEDULERS.items():
        if mark in os.environ:
            names = (few + " " + more if everything else few).split()
            values = _values(prefix, names)
            known[scheduler] = {name.removeprefix("sge_"): value for name, value in values.items()}
    pod = _kubernetes(root)
    if pod:
        known["kubernetes"] = pod
    return known


def _values(prefix: str, names: list[str]) -> dict[str, Any]:
    present = {name: os.environ.get(prefix + name, "") for name in names}
    return {name.lower(): _number(text) for name, text in present.items() if text}


def _number(text: str) -> int | str:
    plain = text.isascii() and text.isdecimal() and len(text) < 16
    return int(text) if plain and str(int(text)) == text else text


def _kubernetes(root: str) -> dict[str, Any]:
    """A pod's host name is its name; the folder with the namespace holds its token, too: unread."""
    namespace = read(root, _NAMESPACE, 256)
    if namespace is None and "KUBERNETES_SERVICE_HOST" not in os.environ:
        return {}
    pod = {"pod": _host_name(), "namespace": namespace}
    pod.update(_values("", _POD.split()))
    return {name: value for name, value in pod.items() if value}


def _host_name() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
