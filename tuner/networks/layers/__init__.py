"""Our own Keras layers. Importing this registers them with Keras, so that saved models with them can be read."""

from tuner.networks.layers.dropout import FastDropout as FastDropout
from tuner.networks.layers.local import LocallyConnectedLayer as LocallyConnectedLayer
from tuner.networks.layers.members import MembersDense as MembersDense
from tuner.networks.layers.members import MembersOutput as MembersOutput
from tuner.networks.layers.normalization import FusedBatchNormalization as FusedBatchNormalization
from tuner.networks.layers.raw import RowCoder as RowCoder
from tuner.networks.layers.rows import RowEncoder as RowEncoder
