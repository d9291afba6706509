"""Our Keras layers. Importing this registers them, so that Keras can load saved models."""

from tuner.networks.layers.fast import ActivityL1 as ActivityL1
from tuner.networks.layers.fast import ElasticNet as ElasticNet
from tuner.networks.layers.fast import FastDropout as FastDropout
from tuner.networks.layers.fast import FusedBatchNormalization as FusedBatchNormalization
from tuner.networks.layers.locally_connected import LocallyConnectedLayer as LocallyConnectedLayer
from tuner.networks.layers.members import MembersDense as MembersDense
from tuner.networks.layers.members import MembersOutput as MembersOutput
from tuner.networks.layers.row_coder import RowCoder as RowCoder
from tuner.networks.layers.row_encoder import RowEncoder as RowEncoder
from tuner.networks.layers.row_part import RowPart as RowPart
