#!/bin/sh
# GPU figures through a stand-in for the vendor's library; without one, the reason.
. ./lib.sh
[ -e "${CLAB_BUILD:?}/tests/fake_nvml.so" ] || { echo "skipped: no stand-in library was built"; exit 77; }
open_shell
enter "export CELLLAB_NVML='$CLAB_BUILD/tests/fake_nvml.so' FAKE_NVML_USED=12288; clear"
start
enter ':pane 7'
wait_for 'GPU0.* 12\.0/40\.0 GiB 73%'
wait_for 'GPU1.*/40\.0 GiB'
enter ':quit'
wait_for 'ready\$ *$'
enter "export CELLLAB_NVML=/nowhere/libnvidia-ml.so; clear"
wait_gone 'quit'
start
enter ':pane on'
wait_for 'no GPU: '
exit 0
