"""What each command's help shows under "Examples": what somebody wants, and the line that does it.

`@` stands for the program's name, which is `kubectl virt` where it runs as a plugin. A test parses every line.
"""

from __future__ import annotations

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "addvolume": (
        ("Plug the claim `data` into machine web", "@ addvolume web --volume-name=data"),
        ("As a SCSI LUN with a serial number of its own",
         "@ addvolume web --volume-name=data --disk-type=lun --serial=DATA1"),
    ),
    "adm log-verbosity": (
        ("Show how much every program logs", "@ adm log-verbosity --all"),
        ("Let virt-handler say more, then go back",
         "@ adm log-verbosity --virt-handler=6\n@ adm log-verbosity --reset"),
    ),
    "completion bash": (("In this shell", "source <(@ completion bash)"),),
    "completion fish": (("In this shell", "@ completion fish | source"),),
    "completion powershell": (("In this shell", "@ completion powershell | Out-String | Invoke-Expression"),),
    "completion zsh": (("In this shell", "source <(@ completion zsh)"),),
    "console": (
        ("Connect, and leave with Ctrl+]", "@ console web"),
        ("Wait up to ten minutes for the guest to run", "@ console web --timeout=10"),
    ),
    "create clone": (("Clone machine web",
                      "@ create clone --source-name=web --target-name=copy | kubectl create -f -"),),
    "create instancetype": (
        ("Two processors and 4 GiB, for the whole cluster", "@ create instancetype --name=m --cpu=2 --memory=4Gi"),
        ("With a GPU, for this namespace", "@ create instancetype --namespaced --cpu=2 --memory=4Gi "
         "--gpu=name:gpu1,devicename:nvidia.com/T4"),
    ),
    "create preference": (("Processors as sockets", "@ create preference --name=p --cpu-topology=sockets"),),
    "create vm": (
        ("From a container disk", "@ create vm --name=web --volume-containerdisk=src:example.org/fedora:latest"),
        ("From a claim, with an instance type and a key", "@ create vm --name=web --instancetype=m "
         "--volume-pvc=src:root --user=me --ssh-key='ssh-ed25519 AAAA'"),
        ("With a copy of another namespace's claim", "@ create vm --name=web --volume-import=type:pvc,src:golden/root"),
    ),
    "credentials add-ssh-key": (("Let a key log in", "@ credentials add-ssh-key web --user=me --file=key.pub"),),
    "credentials remove-ssh-key": (("And no more", "@ credentials remove-ssh-key web --user=me --file=key.pub"),),
    "credentials set-password": (("Set a password", "@ credentials set-password web --user=me --password=secret"),),
    "doctor": (("See whether this cluster is fit for machines", "@ doctor"),),
    "evacuate-cancel": (("Let machine web stay on its node", "@ evacuate-cancel vm web"),),
    "expand": (
        ("Of a machine in the cluster", "@ expand --vm web"),
        ("Of a manifest", "@ expand --file vm.yaml --output json"),
    ),
    "expose": (
        ("SSH on a port of every node", "@ expose vm web --name=web-ssh --port=22 --type=NodePort"),
        ("The ports that the machine lists itself", "@ expose vm web --name=web"),
    ),
    "fslist": (("File systems in the guest of web", "@ fslist web"),),
    "guestfs": (
        ("Look into the claim of a stopped machine", "@ guestfs data"),
        ("With an image of your own, without KVM", "@ guestfs data --image=reg/libguestfs-tools:v1 --kvm=false"),
    ),
    "guestosinfo": (("Operating system of the guest of web", "@ guestosinfo web"),),
    "image-upload": (
        ("Into a new claim", "@ image-upload pvc root --size=10Gi --image-path=disk.qcow2"),
        ("Into one that exists", "@ image-upload dv root --no-create --image-path=disk.qcow2"),
    ),
    "memory-dump": (
        ("Into a claim that is made for it", "@ memory-dump get web --claim-name=dump --create-claim"),
        ("And to a file", "@ memory-dump download web --output=memory.gz"),
        ("Let the claim go", "@ memory-dump remove web"),
    ),
    "migrate": (("Move web to another node", "@ migrate web"),),
    "migrate-cancel": (("Let it stay after all", "@ migrate-cancel web"),),
    "objectgraph": (("What machine web needs, as YAML", "@ objectgraph web --output=yaml"),),
    "pause": (("Stop the processors of web", "@ pause vm web"),),
    "permitted-devices": (("Devices that machines may use", "@ permitted-devices -n kubevirt"),),
    "port-forward": (
        ("Port 8080 here is port 80 of the guest", "@ port-forward vm/web 8080:80"),
        ("A name server over UDP", "@ port-forward vmi/dns udp/5353:53"),
        ("As a proxy of ssh", "ssh -o 'ProxyCommand=@ port-forward --stdio=true vm/web 22' me@web"),
    ),
    "removevolume": (("Pull volume data out of web", "@ removevolume web --volume-name=data"),),
    "render": (("What the cluster would make of a manifest", "@ render vm.yaml"),),
    "reset": (("Press the reset button of web", "@ reset web"),),
    "restart": (
        ("Shut the guest down and start it again", "@ restart web"),
        ("Without waiting for the guest", "@ restart web --force --grace-period=0"),
    ),
    "scp": (
        ("Into the guest", "@ scp file.txt me@vm/web:/tmp"),
        ("And back", "@ scp --recursive me@vm/web:/var/log logs"),
    ),
    "soft-reboot": (("Ask the guest of web to reboot", "@ soft-reboot web"),),
    "ssh": (
        ("Log in", "@ ssh me@vm/web"),
        ("Run one command, with a key of yours", "@ ssh me@vm/web -i key --command 'uname -a'"),
        ("Options of ssh itself", "@ ssh me@vm/web -t '-o StrictHostKeyChecking=no'"),
    ),
    "start": (("Start web", "@ start web"), ("With its processors stopped", "@ start web --paused")),
    "stop": (("Shut web down", "@ stop web"), ("At once", "@ stop web --force --grace-period=0")),
    "template convert": (("From a file", "@ template convert --file=template.yaml"),),
    "template create": (("Of machine web", "@ template create --vm-name=web --name=golden"),),
    "template process": (
        ("Print the machine", "@ template process golden --param NAME=web"),
        ("Create it", "@ template process golden --param NAME=web --create"),
    ),
    "top": (
        ("All machines here", "@ top"),
        ("Of all namespaces, every few seconds", "@ top vm --all-namespaces --watch"),
        ("What machines use on each node", "@ top node"),
    ),
    "unpause": (("Let web go on", "@ unpause vm web"),),
    "usbredir": (
        ("By vendor and product", "@ usbredir 0951:1666 web"),
        ("For a client that you start yourself", "@ usbredir web --no-launch"),
    ),
    "userlist": (("Who is logged in to the guest of web", "@ userlist web"),),
    "version": (("Both versions", "@ version"), ("Only this program's", "@ version --client")),
    "vmexport": (
        ("Make the disks of web available for two hours", "@ vmexport create web --vm=web --ttl=2h"),
        ("Download one of them", "@ vmexport download web --volume=root --output=root.img.gz"),
        ("Let go of it", "@ vmexport delete web"),
    ),
    "vnc": (
        ("In a viewer of this machine", "@ vnc web"),
        ("For a viewer of your own", "@ vnc web --proxy-only --port=5900"),
        ("As a picture", "@ vnc screenshot web --file=screen.png"),
    ),
    "vnc screenshot": (("Into a file", "@ vnc screenshot web --file=screen.png"),),
    "why": (
        ("Why does web not run?", "@ why vm/web"),
        ("An instance without a machine", "@ why vmi/web"),
    ),
}  # fmt: skip


def examples_of(path: str, program: str) -> str:
    """The lines for a command's help; empty for groups."""
    blocks = [
        f"  # {wish}\n" + "\n".join(f"  {line.replace('@', program, 1)}" for line in lines.splitlines())
        for wish, lines in EXAMPLES.get(path, ())
    ]
    return "\n\n".join(blocks)
