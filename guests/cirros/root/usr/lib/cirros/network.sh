# Shared by the DHCP script and by cirros-network: addresses, routes, name servers. Needs /run/cirros.

# nic_metric NIC: the first interface wins where several offer a route.
nic_metric() {
    echo $((100 + $(cat "/sys/class/net/$1/ifindex")))
}

# add_route NIC DESTINATION GATEWAY: also by a gateway outside of the interface's own network (/32 addresses).
add_route() {
    family=-4
    case "$2$3" in *:*) family=-6 ;; esac
    destination=$2
    case "$destination" in 0.0.0.0/0|::/0) destination=default ;; esac
    case "$3" in
        0.0.0.0|"") ip $family route replace "$destination" dev "$1" metric "$(nic_metric "$1")" ;;
        *)
            ip $family route replace "$destination" via "$3" dev "$1" metric "$(nic_metric "$1")" 2>/dev/null && return
            ip $family route replace "$3" dev "$1"
            ip $family route replace "$destination" via "$3" dev "$1" metric "$(nic_metric "$1")"
            ;;
    esac
}

# write_resolv_conf: given servers first, then those that DHCP told, each once; one search line, the first found.
write_resolv_conf() {
    cat /run/cirros/resolv.static /run/cirros/resolv.eth* 2>/dev/null | awk '
        $1 == "search" { if (search == "") search = $0; next }
        !seen[$0]++ { servers = servers $0 "\n" }
        END { if (search != "") print search; printf "%s", servers }' > /etc/resolv.conf.new
    mv /etc/resolv.conf.new /etc/resolv.conf
}
