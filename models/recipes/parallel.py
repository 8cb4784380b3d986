"""The processes that share a training: which of them this is, and sums over all."""

from torch import Tensor
from torch import distributed as processes
from torch.nn.utils import parameters_to_vector, vector_to_parameters


def place() -> tuple[int, int]:
    """The number of this process, from 0, and of how many."""
    return (processes.get_rank(), processes.get_world_size()) if processes.is_initialized() else (0, 1)


def add_up(tensors: list[Tensor]) -> None:
    """Each tensor becomes its sum over all processes."""
    if processes.is_initialized():
        flat = parameters_to_vector(tensors)
        processes.all_reduce(flat)
        vector_to_parameters(flat, tensors)
