#!/usr/bin/env bash
# The guide's virtual machine on the cluster of `make demo`: create it, start it, watch it boot, log in, stop it.
# Uses the real kubectl and virtctl; VM_NAME and the cluster come from the environment where they are set.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin
export KUBECONFIG=${KUBECONFIG:-$("$bin"/localkube kubeconfig)}
kubectl=$("$bin"/localkube which kubectl)
vm=vm-cirros

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
run() { words="$*"; words=${words//$bin\//}; say "${words//$kubectl/kubectl}"; "$@"; }

"$kubectl" delete vm $vm --ignore-not-found --timeout=90s >/dev/null
run "$kubectl" create -f examples/vm-cirros.yaml
run "$bin"/virtctl start vm $vm
run "$kubectl" wait vm/$vm --for=jsonpath='{.status.printableStatus}'=Running --timeout=180s
run "$kubectl" get virtualmachines,virtualmachineinstances

say "virtctl console $vm    # what the guest says on its serial line"
"$bin"/python examples/watch_boot.py "$bin"/virtctl console $vm

uid=$("$kubectl" get vmi $vm -o jsonpath='{.metadata.uid}')
run "$kubectl" get events --field-selector involvedObject.uid="$uid" \
    -o custom-columns=FROM:.source.component,REASON:.reason,MESSAGE:.message
cat <<EOF

The machine is running. Try:
  export KUBECONFIG=$KUBECONFIG
  .venv/bin/virtctl console $vm          # user cirros, password gocubsgo; leave with Ctrl+]
  $kubectl describe vmi $vm
  .venv/bin/virtctl stop $vm
  make cluster-down                       # stop the cluster; the next \`make demo\` takes seconds
EOF
