import torch
from torch import nn

from engine.models.backbones import resnet18
from engine.models.folding import fold_normalisation


def test_a_folded_network_says_the_same_without_normalisation():
    torch.manual_seed(0)
    net = resnet18().eval()
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean = torch.randn_like(part.running_mean) * 0.1
            part.running_var = torch.rand_like(part.running_var) + 0.5
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        before = net(pictures)
        fold_normalisation(net)
        torch.testing.assert_close(net(pictures), before, rtol=1e-4, atol=1e-4)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in net.modules())
