"""HJ 212, the protocol of China's online pollution monitoring, from bytes to tables. Usable without the rest of the project.

    from pipelines.hj212 import Devices, DeviceProfile, assemble, decode_bytes, decode_frame, decode_to, encode

* one frame: `decode_frame`, `decode_stream`, `encode`, `split`, `data_answer`;
* many: `decode_bytes`, `decode_files`, `decode_blocks`, `decode_to` give `frames` and `values` (columns in `tables`), every byte accounted for;
* together: `assemble` merges packets and tells revisions from repeats, `roll_up` works out flags and values of longer
  periods, `check_labels` tells which end of the hour a device's labels name, `device_figures` how devices behave;
* devices: `DeviceProfile` and `Devices`, or `devices_of` a device profile that `contracts.devices` has read.

Where the data comes from and what becomes of it (feeds, points, units, gates) does not belong here.
"""

from pipelines.hj212.assembly import Assembled, assemble, check_labels
from pipelines.hj212.bulk import Decoded, OutputFormat, Written, decode_blocks, decode_bytes, decode_files, decode_to
from pipelines.hj212.codec import EncodeError, Frame, data_answer, encode, flag_for, split
from pipelines.hj212.crc import crc, hj212_crc, modbus_crc
from pipelines.hj212.devices import DeviceProfile, Devices, devices_of
from pipelines.hj212.encryption import EncryptionError, decrypt_area, encrypt_area
from pipelines.hj212.figures import device_figures
from pipelines.hj212.rollup import Rule, roll_up
from pipelines.hj212.stream import DecodedFrame, decode_frame, decode_stream
from pipelines.hj212.tables import DEVICE_COLUMNS, FRAME_COLUMNS, MESSAGE_COLUMNS, READING_COLUMNS, VALUE_COLUMNS
from pipelines.hj212.vocabulary import COMMANDS, WARNINGS, CrcVariant, Dialect, Label, Verdict

__all__ = [
    "COMMANDS",
    "DEVICE_COLUMNS",
    "FRAME_COLUMNS",
    "MESSAGE_COLUMNS",
    "READING_COLUMNS",
    "VALUE_COLUMNS",
    "WARNINGS",
    "Assembled",
    "CrcVariant",
    "Decoded",
    "DecodedFrame",
    "DeviceProfile",
    "Devices",
    "Dialect",
    "EncodeError",
    "EncryptionError",
    "Frame",
    "Label",
    "OutputFormat",
    "Rule",
    "Verdict",
    "Written",
    "assemble",
    "check_labels",
    "crc",
    "data_answer",
    "decode_blocks",
    "decode_bytes",
    "decode_files",
    "decode_frame",
    "decode_stream",
    "decode_to",
    "decrypt_area",
    "device_figures",
    "devices_of",
    "encode",
    "encrypt_area",
    "flag_for",
    "hj212_crc",
    "modbus_crc",
    "roll_up",
    "split",
]
