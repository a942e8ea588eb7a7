"""Records of every format that switches write, as long and as varied as theirs: for `bench decode` and for tests.

A format is a record as its switch writes it, with holes in angle brackets. What fills the holes are columns of made-up calls,
so a million records are made as fast as a few. Nothing here is wrong on purpose; for flaws see `flaws` and `formats`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.simulate.draws import IntArray
from trunkline.simulate.sample_documents import JSON_LEGS, RADIUS_PACKETS, XML_LEGS
from trunkline.simulate.text import numbers, octets, padded, pick, stamps, uuids

BLOCK: Final = 20_000  # records made at once
_HOLE: Final = re.compile(r"<<([a-z0-9_]+)>>")
_FIRST_MS: Final = 1_772_409_600_000  # 2 March 2026
_SECOND_MS: Final = 1000

# (cause by Q.850, SIP code, FreeSWITCH's name, Asterisk's disposition, RADIUS's hexadecimal), the first of answered calls.
_ENDS: Final = (
    (16, 200, "NORMAL_CLEARING", "ANSWERED", "10"),
    (17, 486, "USER_BUSY", "BUSY", "11"),
    (19, 480, "NO_ANSWER", "NO ANSWER", "13"),
    (34, 503, "NORMAL_CIRCUIT_CONGESTION", "CONGESTION", "22"),
    (1, 404, "UNALLOCATED_NUMBER", "FAILED", "1"),
)
_CUSTOMERS: Final = tuple(f"customer-{number:02}" for number in range(1, 31))
_VENDORS: Final = tuple(f"vendor-{number:02}" for number in range(1, 11))
_CODES: Final = ("4420", "2547", "2348", "9198", "5511", "1212", "4917", "3361", "8613", "6281", "20100", "97150")
_DAYS: Final = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")  # the first of 1970 was a Thursday
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Columns = Mapping[str, pa.Array]


class Calls:
    """Made-up calls as columns of text, each worked out when a record first asks for it."""

    def __init__(self, count: int, first: int, seed: int) -> None:
        rng = np.random.default_rng([seed, first])
        self.count = count
        self._serial = first + np.arange(count)
        self._start = _FIRST_MS + self._serial * 37 + rng.integers(0, 37, count)
        answered = rng.random(count) < 0.45
        self._ring = rng.integers(800, 9_000, count)
        talk = np.minimum((rng.exponential(150, count) * 1000).astype(np.int64) + 200, 3_600_000)
        self._talk = np.where(answered, talk, 0)
        self._answer = np.where(answered, self._start + self._ring, -1)
        self._end = self._start + self._ring + self._talk
        self._cause = np.where(answered, 0, rng.integers(1, len(_ENDS), count))
        self._customer = rng.integers(0, len(_CUSTOMERS), count)
        self._vendor = rng.integers(0, len(_VENDORS), count)
        self._code = rng.integers(0, len(_CODES), count)
        self._tail = rng.integers(10**7, 10**8, count)
        self._caller = 254_700_000_000 + rng.integers(0, 10**8, count)
        words = rng.integers(0, 2**63, (6, count), dtype=np.uint64)
        self._uuid = [uuids(words[2 * at], words[2 * at + 1]) for at in range(3)]
        self._made: dict[str, pa.Array] = {}

    def column(self, name: str) -> pa.Array:
        """The texts of a hole."""
        if name not in self._made:
            self._made[name] = self._text(name)
        return self._made[name]

    def _text(self, name: str) -> pa.Array:
        for what, instants in (("start", self._start), ("answer", self._answer), ("end", self._end)):
            if name.startswith(f"{what}_"):
                return _TIMES[name.removeprefix(f"{what}_")](instants)
        if name.startswith("connect_"):  # what was not answered connects when it ends
            return _TIMES[name.removeprefix("connect_")](np.where(self._answer < 0, self._end, self._answer))
        whole = self._end // _SECOND_MS - np.where(self._answer < 0, self._end, self._answer) // _SECOND_MS
        total = self._end // _SECOND_MS - self._start // _SECOND_MS
        match name:
            case "serial":
                return numbers(self._serial)
            case "sequence":
                return padded(self._serial % 10_000, 4)
            case "hex":
                return pc.utf8_slice_codeunits(self._uuid[0], 0, 8)
            case "hex16":
                return pc.binary_join_element_wise(
                    pc.utf8_slice_codeunits(self._uuid[0], 0, 8), pc.utf8_slice_codeunits(self._uuid[1], 0, 8), ""
                )
            case "call" | "leg" | "pkid":
                return self._uuid[("call", "leg", "pkid").index(name)]
            case "conf":
                word = pc.utf8_upper(pc.replace_substring(self._uuid[0], "-", ""))
                parts = [pc.utf8_slice_codeunits(word, at, at + 8) for at in range(0, 32, 8)]
                return pc.binary_join_element_wise(*parts, " ")
            case "calling":
                return numbers(self._caller)
            case "called":
                return pc.binary_join_element_wise(pick(_CODES, self._code), numbers(self._tail), "")
            case "customer":
                return pick(_CUSTOMERS, self._customer)
            case "vendor":
                return pick(_VENDORS, self._vendor)
            case "ip":
                return pick([f"192.0.2.{10 + at}" for at in range(len(_CUSTOMERS))], self._customer)
            case "vendor_ip":
                return pick([f"198.51.100.{10 + at}" for at in range(len(_VENDORS))], self._vendor)
            case "seconds":
                return numbers(whole)
            case "total":
                return numbers(total)
            case "milliseconds":
                return numbers(self._talk)
            case "ticks":
                return numbers(self._talk // 10)
            case "ring_ticks":
                return numbers(self._ring // 10)
            case "ring":
                return numbers(self._ring)
            case "q850" | "sip" | "cause" | "disposition" | "hexcause":
                at = ("q850", "sip", "cause", "disposition", "hexcause").index(name)
                return pick([str(end[at]) for end in _ENDS], self._cause)
        return self._padded(name, whole)

    def _padded(self, name: str, seconds: IntArray) -> pa.Array:
        """A column of fixed width: `NAME_WIDTH`, spaces after it; `seconds_WIDTH` with zeros before it."""
        what, _, width = name.rpartition("_")
        if what == "seconds":
            return padded(seconds, int(width))
        return pc.utf8_rpad(self.column(what), int(width))


def _clock(instants: IntArray) -> tuple[pa.Array, pa.Array, pa.Array, pa.Array, pa.Array]:
    """Time of day with milliseconds, weekday, month, day and year of each instant."""
    days = instants // 86_400_000
    first, last = int(days.min(initial=0)), int(days.max(initial=0))
    dates = np.arange(first, last + 1).astype("M8[D]").astype(object)
    at = days - first
    return (
        pc.utf8_slice_codeunits(stamps(np.maximum(instants, 0), "UTC", fraction=True), 11),
        pick([_DAYS[day % 7] for day in range(first, last + 1)], at),
        pick([_MONTHS[each.month - 1] for each in dates], at),
        pick([f"{each.day:02}" for each in dates], at),
        pick([str(each.year) for each in dates], at),
    )


def _only_present(instants: IntArray, made: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(instants < 0), "", made) if (instants < 0).any() else made


def _h323(instants: IntArray) -> pa.Array:
    time, weekday, month, day, year = _clock(instants)
    return _only_present(instants, pc.binary_join_element_wise(time, "UTC", weekday, month, day, year, " "))


def _acme(instants: IntArray) -> pa.Array:
    time, _, month, day, year = _clock(instants)
    return _only_present(instants, pc.binary_join_element_wise(time, "UTC", pc.utf8_upper(month), day, year, " "))


def _mera(instants: IntArray) -> pa.Array:
    time, weekday, month, day, year = _clock(instants)
    return _only_present(instants, pc.binary_join_element_wise(time, "+0000", weekday, month, day, year, " "))


def _head(instants: IntArray) -> pa.Array:
    time, weekday, month, day, year = _clock(instants)
    day = pc.utf8_lpad(pc.utf8_ltrim(day, "0"), 2)
    return pc.binary_join_element_wise(weekday, month, day, pc.utf8_slice_codeunits(time, 0, 8), year, " ")


def _mdy(instants: IntArray) -> pa.Array:
    date = stamps(instants, "UTC")
    parts = [pc.utf8_slice_codeunits(date, low, high) for low, high in ((5, 7), (8, 10), (0, 4))]
    return pc.binary_join_element_wise(*parts, "/")


def _epoch(unit_ms: int, times: int) -> Callable[[IntArray], pa.Array]:
    return lambda instants: numbers(np.where(instants < 0, 0, instants // unit_ms * times))


_TIMES: Final[Mapping[str, Callable[[IntArray], pa.Array]]] = {
    "text": lambda instants: stamps(np.where(instants < 0, -1, instants // 1000 * 1000), "UTC"),
    "millis": lambda instants: stamps(instants, "UTC", fraction=True),
    "slash": lambda instants: pc.replace_substring(stamps(instants, "UTC"), "-", "/"),
    "fixed": lambda instants: pc.utf8_rpad(stamps(instants, "UTC"), 19),
    "tenth": lambda instants: pc.utf8_slice_codeunits(stamps(instants, "UTC", fraction=True), 11, 21),
    "encoded": lambda instants: pc.replace_substring(
        pc.replace_substring(stamps(instants, "UTC"), " ", "%20"), ":", "%3A"
    ),
    "epoch": _epoch(1000, 1),
    "ms": _epoch(1, 1),
    "us": _epoch(1, 1000),
    "h323": _h323,
    "acme": _acme,
    "mera": _mera,
    "head": _head,
    "mdy": _mdy,
}


def _commas(count: int, **places: str) -> str:
    """A line of so many fields, those of the places (`_7`, from 1) filled and the others as an SBC fills them."""
    filler = ("", "0", "", "8000", "12", "", "10.0.0.7", "16384", "", "3")
    fields = [filler[at % len(filler)] for at in range(count)]
    for place, text in places.items():
        fields[int(place[1:]) - 1] = text
    return ",".join(fields) + "\n"


_CDR: Final = (
    '"<<customer>>","<<calling>>","<<called>>","from-customers","""A. Caller"" <<<calling>>>","PJSIP/<<customer>>-<<hex>>",'
    '"PJSIP/<<vendor>>-<<hex>>","Dial","PJSIP/<<called>>@<<vendor>>,60","<<start_text>>","<<answer_text>>","<<end_text>>",'
    '<<total>>,<<seconds>>,"<<disposition>>","DOCUMENTATION"'
)
_CUCM_COLUMNS: Final = (
    ("cdrRecordType", "1"), ("globalCallID_callManagerId", "2"), ("globalCallID_callId", "<<serial>>"),
    ("origLegCallIdentifier", "2<<serial>>"), ("dateTimeOrigination", "<<start_epoch>>"), ("origNodeId", "2"),
    ("origSpan", "0"), ("origIpAddr", "117878976"), ("callingPartyNumber", '"<<calling>>"'),
    ("callingPartyUnicodeLoginUserID", '""'), ("origCause_location", "0"), ("origCause_value", "0"),
    *((f"origMedia{at}", "20") for at in range(16)), ("destLegIdentifier", "3<<serial>>"), ("destNodeId", "2"),
    ("destIpAddr", "117878976"), ("originalCalledPartyNumber", '"<<called>>"'),
    ("finalCalledPartyNumber", '"<<called>>"'), ("destCause_location", "0"), ("destCause_value", "<<q850>>"),
    *((f"destMedia{at}", "20") for at in range(16)), ("dateTimeConnect", "<<answer_epoch>>"),
    ("dateTimeDisconnect", "<<end_epoch>>"), ("lastRedirectDn", '"<<called>>"'), ("pkid", '"<<pkid>>"'),
    *((f"partition{at}", '"PT-INTERNAL"') for at in range(4)), ("duration", "<<seconds>>"),
    ("origDeviceName", '"<<customer>>"'), ("destDeviceName", '"<<vendor>>"'), *((f"reason{at}", "0") for at in range(12)),
    ("globalCallId_ClusterID", '"Cluster-01"'), *((f"more{at}", '""') for at in range(30)),
    ("origIpv4v6Addr", '"<<ip>>"'), ("clientMatterCode", '""'), *((f"last{at}", "0") for at in range(20)),
)  # fmt: skip

_HEADS: Final[Mapping[str, str]] = {
    "asterisk_table": "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,"
    "amaflags,accountcode,uniqueid,userfield,linkedid,sequence\n",
    "cisco_cucm": ",".join(f'"{name}"' for name, _ in _CUCM_COLUMNS) + "\n",
    "kamailio_cdrs": "cdr_id,start_time,end_time,duration,sip_call_id,sip_from_tag,sip_to_tag,src_user,dst_user,src_ip,"
    "gateway,created\n",
    "kamailio_acc": "id,method,from_tag,to_tag,callid,sip_code,sip_reason,time,src_user,dst_user,src_ip,gateway\n",
    "opensips_acc": "id,method,from_tag,to_tag,callid,sip_code,sip_reason,time,duration,ms_duration,setuptime,created,"
    "caller,callee,src_ip,gateway\n",
    "vos": "callere164,calleraccesse164,calleee164,calleeaccesse164,callerip,callercodec,callergatewayid,callerproductid,"
    "callertogatewaye164,callertype,calleeip,calleecodec,calleegatewayid,calleeproductid,calleetogatewaye164,calleetype,"
    "billingmode,calllevel,agentfeetime,starttime,stoptime,callerpdd,calleepdd,holdtime,callerareacode,feetime,fee,tax,"
    "suitefee,suitefeetime,incomefee,incometax,customeraccount,customername,calleeareacode,agentfee,agenttax,"
    "agentsuitefee,agentsuitefeetime,agentaccount,agentname,flowno,softswitchname,softswitchcallid,callercallid,"
    "calleroriginalcallid,rtpforward,enddirection,endreason,billingtype,cdrlevel,agentcdr_id\n",
    "common": "key,call_id,attempt,is_last,calling,called,start,answer,end,duration,pdd_ms,cause,sip_code,trunk_in,"
    "trunk_out,source_ip,account_code,sip_user\n",
}

# What a file of the format is made of, in turn: of several texts the records take turns.
_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "common": (
        "<<leg>>,<<call>>,1,1,<<calling>>,<<called>>,<<start_millis>>,<<answer_millis>>,<<end_millis>>,"
        "<<milliseconds>>,<<ring>>,<<q850>>,<<sip>>,<<customer>>,<<vendor>>,<<ip>>,,\n".replace(
            "<<milliseconds>>", "<<seconds>>"
        ),
    ),
    "freeswitch": (
        '"<<calling>>","<<calling>>","<<called>>","public","<<start_text>>","<<answer_text>>","<<end_text>>","<<total>>",'
        '"<<seconds>>","<<cause>>","<<leg>>","<<call>>","<<customer>>","PCMA","PCMA"\n',
    ),
    "freeswitch_trunks": (
        "<<leg>>,<<call>>,1,1,<<calling>>,<<called>>,<<start_us>>,<<connect_us>>,0,<<answer_us>>,<<end_us>>,"
        "<<milliseconds>>,<<cause>>,<<q850>>,<<sip>>,<<customer>>,<<vendor>>,<<ip>>,,\n",
    ),
    # All common numbers of columns, in turn.
    "asterisk": tuple(
        f"{_CDR}{more}\n"
        for more in (
            "", ',"<<start_epoch>>.<<serial>>"', ',"<<start_epoch>>.<<serial>>",""', ',"","<<start_epoch>>.<<serial>>",<<serial>>',
            ',"<<start_epoch>>.<<serial>>","","<<start_epoch>>.<<serial>>",<<serial>>',
            ',"<<start_epoch>>.<<serial>>","","","<<start_epoch>>.<<serial>>",<<serial>>',
        )
    ),
    "asterisk_export": (
        '"<<start_text>>","""A. Caller"" <<<calling>>>","<<calling>>","<<called>>","from-internal","PJSIP/<<customer>>-<<hex>>",'
        '"PJSIP/<<vendor>>-<<hex>>","Dial","PJSIP/<<called>>@<<vendor>>,60",<<total>>,<<seconds>>,"<<disposition>>",3,'
        '"<<customer>>","<<start_epoch>>.<<serial>>","","","<<called>>","<<calling>>","A. Caller","","","",'
        '"<<start_epoch>>.<<serial>>",<<serial>>\n',
    ),
    "asterisk_table": (
        '<<start_text>>,"""A. Caller"" <<<calling>>>",<<calling>>,<<called>>,from-customers,PJSIP/<<customer>>-<<hex>>,'
        'PJSIP/<<vendor>>-<<hex>>,Dial,"PJSIP/<<called>>@<<vendor>>,60",<<total>>,<<seconds>>,<<disposition>>,3,<<customer>>,'
        "<<start_epoch>>.<<serial>>,,<<start_epoch>>.<<serial>>,<<serial>>\n",
    ),
    "cisco_cucm": (",".join(text for _, text in _CUCM_COLUMNS) + "\n",),
    "cisco_cube": tuple(
        _commas(
            131, _1="<<end_epoch>>", _2="<<serial>>", _3="1", _4="2", _5="<<conf>>", _6="<<ip>>", _8="<<start_h323>>",
            _9="<<connect_h323>>", _10="<<connect_h323>>", _11="<<end_h323>>", _12="<<hexcause>>",
            _13='"normal call clearing (16)"', _14=origin, _21="<<customer>>", _22="<<calling>>", _23="<<called>>",
            _27="<<vendor>>", _33="<<customer>>", _74="", _82="<<vendor>>", _85="<<customer>>", _111="cube1",
        )
        for origin in ("answer", "originate")
    ),
    "mera": (
        "HOST=mvts1,CONFID=<<call>>,CALLID=<<hex16>>,SRC-IP=<<ip>>:1720,DST-IP=<<vendor_ip>>:1720,SRC-USER=,"
        "SRC-NAME=<<customer>>,DST-NAME=<<vendor>>,SRC-NUMBER-IN=<<calling>>,SRC-NUMBER-BILL=<<calling>>,"
        "SRC-NUMBER-OUT=<<calling>>,DST-NUMBER-IN=99#<<called>>,DST-NUMBER-BILL=<<called>>,DST-NUMBER-OUT=0077<<called>>,"
        "DIALPEER-NAME=<<vendor>>,LAST-CHECKED-DIALPEER=<<vendor>>,RECORD-ID=<<serial>>,ELAPSED-TIME=<<milliseconds>>,"
        "SETUP-TIME=<<start_mera>>,CONNECT-TIME=<<answer_mera>>,DISCONNECT-TIME=<<end_mera>>,DISCONNECT-CODE-LOCAL=0,"
        "DISCONNECT-CODE-Q931=<<q850>>,SRC-BYTES-IN=480000,SRC-BYTES-OUT=480000,DST-BYTES-IN=480000,DST-BYTES-OUT=480000,"
        "QOS=0,PROXY-MODE=1,ROUTE-RETRIES=1,SCD-TIME=120,PDD-TIME=<<ring>>,PDD-REASON=0,SRC-RTP-IP=<<ip>>:16384,"
        "DST-RTP-IP=<<vendor_ip>>:16386,SRC-CODEC=g729,DST-CODEC=g729,LAR-FAULT-REASON=0\n",
    ),
    "vos": (
        "<<calling>>,<<calling>>,<<called>>,<<called>>,<<ip>>,18,<<customer>>,Cisco,<<calling>>,1,<<vendor_ip>>,18,<<vendor>>,"
        "AudioCodes,<<called>>,1,0,0,<<seconds>>,<<start_ms>>,<<end_ms>>,<<ring>>,<<ring>>,<<seconds>>,254,<<seconds>>,1.25,0,"
        "0,0,0,0,<<customer>>,Customer,44,0.75,0,0,0,<<vendor>>,Vendor,<<serial>>,vos1,<<hex16>>,<<call>>,<<call>>,0,1,0,1,0,0\n",
    ),
    "vos_text": (
        "<<calling>>|<<called>>|<<start_ms>>|<<end_ms>>|<<seconds>>|0|1|<<customer>>|<<vendor>>|<<ip>>|<<vendor_ip>>|g729|g729|"
        "Customer|1.25|<<hex16>>|0|0\n",
    ),
    "kamailio_cdrs": (
        "<<serial>>,<<connect_millis>>,<<end_millis>>,<<seconds>>,<<call>>@<<ip>>,<<hex16>>,<<hex>>,<<calling>>,<<called>>,<<ip>>,"
        "<<vendor>>,<<end_text>>\n",
    ),
    "kamailio_acc": (
        "<<serial>>,INVITE,<<hex16>>,<<hex>>,<<call>>@<<ip>>,200,OK,<<connect_text>>,<<calling>>,<<called>>,<<ip>>,<<vendor>>\n",
        "<<serial>>,BYE,<<hex16>>,<<hex>>,<<call>>@<<ip>>,200,OK,<<end_text>>,<<calling>>,<<called>>,<<ip>>,<<vendor>>\n",
    ),
    "opensips_acc": (
        "<<serial>>,INVITE,<<hex16>>,<<hex>>,<<call>>@<<ip>>,<<sip>>,OK,<<connect_text>>,<<seconds>>,<<milliseconds>>,0,"
        "<<connect_text>>,<<calling>>,<<called>>,<<ip>>,<<vendor>>\n",
    ),
    "acme_sbc": (
        _commas(
            175, _1="2", _2="192.0.2.1", _4="<<leg>>", _5="<<hex16>>@<<ip>>", _6="SD<<hex16>>@<<vendor_ip>>", _7="SIP",
            _10='"A. Caller"<sip:+<<calling>>@<<ip>>:5060>;tag=<<hex>>', _11="<sip:+<<called>>@<<vendor_ip>>:5060>",
            _12="1", _13="<<seconds>>", _14="<<start_acme>>", _15="<<answer_acme>>", _16="<<end_acme>>", _17="<<q850>>",
            _22="<<vendor>>", _23="<<customer>>", _120="<<ring>>", _122="", _123="", _130="<<ip>>:5060", _135="<<sip>>",
        ),
    ),
    "ribbon_act": tuple(
        _commas(
            340, _1=kind, _2="nbo-gsx1", _3="0x<<hex16>>", _4="123456", _5="GMT+00:00-East", _6="<<start_mdy>>",
            _7="<<start_tenth>>", _8="12", _9="<<ring_ticks>>", _10="<<ring_ticks>>" if kind == "STOP" else "<<end_tenth>>",
            _11="<<end_mdy>>", _12="<<end_tenth>>" if kind == "STOP" else "<<q850>>", _13="3", _14="<<ticks>>",
            _15="<<q850>>", _16="VoIP", _17="PSTN-TO-IP" if kind == "STOP" else "<<calling>>",
            _18="" if kind == "STOP" else "<<called>>", _20="<<calling>>", _21="<<called>>", _27="1",
            _29='"<<vendor>>,1"', _30="1", _31="<<customer>>", _34="<<customer>>", _58="<<vendor>>", _68="<<vendor>>",
            _105="<<end_mdy>>", _200='"SIP,<<call>>@<<ip>>,<sip:<<calling>>@<<ip>>>,0,,,,"',
        )
        for kind in ("STOP", "STOP", "ATTEMPT")
    ),
    "genband": (
        "R01<<sequence>><<hex16_30>><<start_fixed>><<answer_fixed>><<end_fixed>><<customer_30>><<customer_30>>"
        "<<calling_20>><<calling_30>><<vendor_30>><<vendor_30>><<called_20>><<called_30>><<called_30>><<customer_30>>"
        f"{'':30}0NN<<seconds_9>><<call_64>><<called_30>><<called_30>>00000016{'PART-A':30}{'PART-B':30}{'':20}{'':30}N\n",
    ),
    "mobile_msc": (
        "0|10|<<serial>>|38|900|900|Voice calls|made up|639020000000001|<<calling>>|350000000000011|KEXX1|MOC|Voice|"
        "<<connect_slash>>|Monday|<<seconds>>|00:01:01|||KEXX1|<<called>>|||639|02|<<customer>>|BTSC2|7302|8805|36.8|-1.28\n",
    ),
    "freeswitch_json": JSON_LEGS,
    "freeswitch_xml": XML_LEGS,
    "radius_detail": RADIUS_PACKETS,
}  # fmt: skip
NAMES: Final = tuple(_TEXTS)
_OF_LEGS: Final = frozenset(
    {"cisco_cube", "kamailio_acc", "radius_detail"}
)  # whose texts are what one call leaves behind


def head(name: str) -> bytes:
    """The header line of a format's files, with its line end; empty where there is none."""
    return _HEADS.get(name, "").encode()


def records_per_call(name: str) -> int:
    """How many records stand for one call: legs and packets of a call follow each other."""
    return len(_TEXTS[name]) if name in _OF_LEGS else 1


def blocks(name: str, records: int, *, seed: int = 1) -> Iterator[bytes]:
    """So many records of a format, in pieces of whole records. The same arguments make the same octets.

    Raises KeyError: there is no such format.
    """
    texts = _TEXTS[name]
    share = records_per_call(name)
    made = 0
    while made < records:
        count = min(BLOCK, records - made)
        yield _block(texts, count, made, share, seed)
        made += count


def _block(texts: tuple[str, ...], count: int, first: int, share: int, seed: int) -> bytes:
    calls = Calls(-(-count // share), first, seed)
    lines = [_filled(text, calls) for text in texts]
    if len(lines) == 1:
        return bytes(octets(lines[0]))
    together = pa.concat_arrays(lines)
    at = np.arange(count)
    # Of a call's packets each is another text of the same call; of layouts each call has one.
    rows = (at % len(texts)) * calls.count + (at // share)
    return bytes(octets(together.take(pa.array(rows))))


def _filled(text: str, calls: Calls) -> pa.Array:
    """The record once for every call."""
    parts = [part if at % 2 == 0 else calls.column(part) for at, part in enumerate(_pieces(text)) if part]
    if not any(isinstance(part, pa.Array) for part in parts):
        return pc.cast(pa.array([text] * calls.count, pa.string()), pa.binary())
    return pc.cast(pc.binary_join_element_wise(*parts, ""), pa.binary())


@cache
def _pieces(text: str) -> tuple[str, ...]:
    return tuple(_HOLE.split(text))
