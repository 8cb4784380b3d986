"""The Muon optimizer (Jordan et al. 2024) for matrices, in float32 where a processor would have to emulate bfloat16."""

import torch
from torch import Tensor

import parallel


def orthogonal(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Nearly the nearest semi-orthogonal matrix, by five Newton-Schulz steps of a quintic polynomial."""
    a, b, c = 3.4445, -4.7750, 2.0315
    y = (x.T if x.shape[0] > x.shape[1] else x).to(dtype)
    y = y / y.norm().clamp(min=1e-7)
    for _ in range(5):
        square = y @ y.T
        y = a * y + (b * square + c * square @ square) @ y
    return (y.T if x.shape[0] > x.shape[1] else y).to(x.dtype)


class Muon(torch.optim.Optimizer):
    """Steps have the size of Adam's (Liu et al. 2025), so that one learning rate serves both."""

    def __init__(self, matrices: list[Tensor], dtype: torch.dtype, lr: float = 1.0, momentum: float = 0.95):
        super().__init__(matrices, {"lr": lr, "momentum": momentum})
        self.dtype = dtype

    @torch.no_grad()
    def step(self) -> None:
        rank, world = parallel.place()  # products are most of the work: each process does its part of the matrices
        for group in self.param_groups:
            steps = []
            for i, p in enumerate(group["params"]):
                mean = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                mean.lerp_(p.grad, 1 - group["momentum"])
                mine = i % world == rank
                steps.append(
                    orthogonal(p.grad.lerp(mean, group["momentum"]), self.dtype) if mine else torch.zeros_like(p)
                )
            parallel.add_up(steps)
            for p, step in zip(group["params"], steps):
                p.add_(step, alpha=-group["lr"] * 0.2 * max(p.shape) ** 0.5)
