"""Putting translation rules into the kernel's nftables, all of one pod in a single transaction.

The rules are data from `machine.network.nat`; here each becomes the few instructions of the kernel's nftables machine
(load into a register, compare, act), as `nft --debug=netlink` shows them. One transaction means that there is no
moment, and no crash, that leaves half of the rules behind: a table that has our chains is complete.
"""

import ipaddress
import socket
from typing import Any

from pyroute2.netlink.nfnetlink import NFNL_SUBSYS_NFTABLES, nfgen_msg
from pyroute2.netlink.nfnetlink import nftsocket as nft
from pyroute2.nftables.main import NFTables

from kubevirt.machine.network import nat

TABLE = "nat"
_FAMILIES: dict[nat.Family, int] = {"ip": 2, "ip6": 10}
_HOOKS = {"prerouting": 0, "input": 1, "forward": 2, "output": 3, "postrouting": 4}
_VERDICT_REGISTER, _REGISTER = 0, 1
_NETWORK_HEADER, _TRANSPORT_HEADER = 1, 2
_SOURCE_OFFSET: dict[nat.Family, int] = {"ip": 12, "ip6": 8}
_DESTINATION_OFFSET: dict[nat.Family, int] = {"ip": 16, "ip6": 24}
_ADDRESS_BYTES: dict[nat.Family, int] = {"ip": 4, "ip6": 16}
_DESTINATION_PORT_OFFSET = 2
_IFNAME_BYTES = 16
_PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP, "sctp": socket.IPPROTO_SCTP}
_NAT_TYPES = {"snat": 0, "dnat": 1}
_JUMP, _RETURN = -3, -5
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_REQUEST, _ACK, _CREATE, _APPEND = 0x1, 0x4, 0x400, 0x800

Expression = dict[str, Any]  # netlink attributes, nested and of many types
Message = Any


def ensure_rules(chains: list[nat.NftChain], rules: list[nat.NftRule]) -> bool:
    """Make the calling thread's namespace have these rules; False when it already had them."""
    families = [family for family in _FAMILIES if any(chain.family == family for chain in chains)]
    with NFTables() as kernel:
        present = {(message["nfgen_family"], message.get_attr("NFTA_CHAIN_NAME")) for message in kernel.get_chains()}
        missing = [family for family in families if (_FAMILIES[family], nat.PREINBOUND) not in present]
        if not missing:
            return False
        messages = [_batch(_BATCH_BEGIN)]
        for family in missing:
            messages.append(_message(nft.nft_table_msg, nft.NFT_MSG_NEWTABLE, family, [("NFTA_TABLE_NAME", TABLE)]))
            messages += [_chain(chain) for chain in chains if chain.family == family]
            messages += [_rule(rule, source) for rule in rules if rule.family == family for source in _sources(rule)]
        messages.append(_batch(_BATCH_END))
        for _ in kernel.nlm_request_batch(messages):
            pass
    return True


def _sources(rule: nat.NftRule) -> list[str]:
    """A rule about several addresses becomes one rule each: simpler than an anonymous set, and they are two at most."""
    return rule.saddr or rule.daddr or [""]


def _batch(kind: int) -> Message:
    message = nfgen_msg()
    message["res_id"] = NFNL_SUBSYS_NFTABLES
    message["header"]["type"] = kind
    message["header"]["flags"] = _REQUEST
    return message


def _message(kind: type, command: int, family: nat.Family, attributes: list[tuple[str, object]]) -> Message:
    message: Message = kind()
    message["nfgen_family"] = _FAMILIES[family]
    message["header"]["type"] = NFNL_SUBSYS_NFTABLES << 8 | command
    message["header"]["flags"] = _REQUEST | _ACK | _CREATE | _APPEND
    message["attrs"] = [list(attribute) for attribute in attributes]
    return message


def _chain(chain: nat.NftChain) -> Message:
    attributes: list[tuple[str, object]] = [("NFTA_CHAIN_TABLE", TABLE), ("NFTA_CHAIN_NAME", chain.name)]
    if chain.hook:
        hook = [("NFTA_HOOK_HOOKNUM", _HOOKS[chain.hook]), ("NFTA_HOOK_PRIORITY", chain.priority)]
        attributes += [("NFTA_CHAIN_HOOK", {"attrs": hook}), ("NFTA_CHAIN_TYPE", "nat")]
    return _message(nft.nft_chain_msg, nft.NFT_MSG_NEWCHAIN, chain.family, attributes)


def _rule(rule: nat.NftRule, address: str) -> Message:
    return _message(nft.nft_rule_msg, nft.NFT_MSG_NEWRULE, rule.family, [
        ("NFTA_RULE_TABLE", TABLE),
        ("NFTA_RULE_CHAIN", rule.chain),
        ("NFTA_RULE_EXPRESSIONS", expressions(rule, address)),
    ])  # fmt: skip


def expressions(rule: nat.NftRule, address: str) -> list[Expression]:
    """The instructions of one rule; `address` is the one of its source or destination addresses to match."""
    found: list[Expression] = []
    if rule.iifname:
        found += [_meta(nft.Meta.NFT_META_IIFNAME), _equals(_interface(rule.iifname))]
    if rule.oifname:
        found += [_meta(nft.Meta.NFT_META_OIFNAME), _equals(_interface(rule.oifname))]
    if address:
        offset = (_SOURCE_OFFSET if rule.saddr else _DESTINATION_OFFSET)[rule.family]
        found += [_payload(_NETWORK_HEADER, offset, _ADDRESS_BYTES[rule.family]), _equals(_packed(address))]
    if rule.proto:
        found += [_meta(nft.Meta.NFT_META_L4PROTO), _equals(bytes([_PROTOCOLS[rule.proto]]))]
    if rule.dport:
        found += [_payload(_TRANSPORT_HEADER, _DESTINATION_PORT_OFFSET, 2), _equals(rule.dport.to_bytes(2, "big"))]
    found.append(_expression("counter"))
    return found + _action(rule)


def _action(rule: nat.NftRule) -> list[Expression]:
    match rule.action:
        case "masquerade":
            return [_expression("masq")]
        case "jump":
            return [_verdict(_JUMP, rule.target)]
        case "return":
            return [_verdict(_RETURN)]
        case "snat" | "dnat":
            target = _value(_packed(rule.target))
            load = _expression("immediate", NFTA_IMMEDIATE_DREG=_REGISTER, NFTA_IMMEDIATE_DATA=target)
            return [load, _expression(
                "nat", NFTA_NAT_TYPE=_NAT_TYPES[rule.action], NFTA_NAT_FAMILY=_FAMILIES[rule.family],
                NFTA_NAT_REG_ADDR_MIN=_REGISTER,
            )]  # fmt: skip


def _expression(name: str, **attributes: object) -> Expression:
    return {"attrs": [("NFTA_EXPR_NAME", name), ("NFTA_EXPR_DATA", {"attrs": list(attributes.items())})]}


def _value(data: bytes) -> Expression:
    return {"attrs": [("NFTA_DATA_VALUE", data)]}


def _meta(key: int) -> Expression:
    return _expression("meta", NFTA_META_DREG=_REGISTER, NFTA_META_KEY=key)


def _payload(base: int, offset: int, length: int) -> Expression:
    return _expression("payload", NFTA_PAYLOAD_DREG=_REGISTER, NFTA_PAYLOAD_BASE=base,
                       NFTA_PAYLOAD_OFFSET=offset, NFTA_PAYLOAD_LEN=length)  # fmt: skip


def _equals(data: bytes) -> Expression:
    return _expression("cmp", NFTA_CMP_SREG=_REGISTER, NFTA_CMP_OP=nft.Cmp.NFT_CMP_EQ, NFTA_CMP_DATA=_value(data))


def _verdict(code: int, chain: str = "") -> Expression:
    verdict: list[tuple[str, object]] = [("NFTA_VERDICT_CODE", code)]
    if chain:
        verdict.append(("NFTA_VERDICT_CHAIN", chain))
    return _expression("immediate", NFTA_IMMEDIATE_DREG=_VERDICT_REGISTER,
                       NFTA_IMMEDIATE_DATA={"attrs": [("NFTA_DATA_VERDICT", {"attrs": verdict})]})  # fmt: skip


def _interface(name: str) -> bytes:
    return name.encode().ljust(_IFNAME_BYTES, b"\0")


def _packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed
