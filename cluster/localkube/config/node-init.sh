# The first process of a node, in its fresh namespaces: makes the machine's root this node's own view of it, waits for its
# cable, and becomes `supervise`.
#   node-init.sh NODE MOUNTS CABLE SUPERVISE CONFIGURATION
# MOUNTS is a file of lines "SOURCE TARGET": the directories that only this node sees, under their usual paths.
set -eu
node=$1 mounts=$2 cable=$3 supervise=$4 configuration=$5

hostname "$node"

# A view of the kernel that shows this node's links, with the control groups of the machine where they were.
mount -t tmpfs tmpfs /run
mkdir /run/groups
mount --rbind /sys/fs/cgroup /run/groups
mount -t sysfs sysfs /sys
mount --rbind /run/groups /sys/fs/cgroup
umount -l /run

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/user
# Pods' mounts must reach the node and each other, but never the machine.
mount --make-rshared /
while read -r source target; do
    mount --bind "$source" "$target"
    # A peer group of its own: else every mount of a pod would show a second time at the source.
    mount --make-private "$target"
    mount --make-shared "$target"
done < "$mounts"

read -r _ < "$cable"
exec "$supervise" "$configuration"
