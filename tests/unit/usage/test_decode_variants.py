"""What operators send besides the plainest file of a format: recognised and read without being told anything."""

from __future__ import annotations

import base64
import gzip
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.conftest import shared_folder
from tests.unit.usage.golden import FOLDER, golden_file
from trunkline.usage.decode.strangers import what_it_is
from trunkline.usage.trial import Trial, try_file

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TIMES = ("2026-01-02 17:00:00", "2026-01-02 17:00:05", "2026-01-02 17:01:06")
MASTER = (
    '"acme","0711000111","00442079460123","from-internal","""Ada"" <0711000111>","PJSIP/acme-00000a1b","PJSIP/alpha-00000a1c",'
    '"Dial","PJSIP/alpha/0044,60","{}","{}","{}",66,61,"ANSWERED","DOCUMENTATION"'
)
UNQUOTED = (
    MASTER.replace('"""Ada"" <0711000111>"', "Ada")
    .replace('"PJSIP/alpha/0044,60"', "PJSIP/alpha/0044")
    .replace('"', "")
)
TABLE = (
    "uniqueid,disposition,billsec,duration,dst,src,start,answer,end,channel,dstchannel,linkedid,peer\n"
    "1.1,ANSWERED,61,66,00442079460123,0711000111,{},{},{},SIP/a-1,SIP/b-2,1.1,x\n"
)
PBX = (
    "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,amaflags,accountcode,"
    "uniqueid,userfield,did,recordingfile,cnum,cnam,outbound_cnum,outbound_cnam,dst_cnam,linkedid,peeraccount,sequence\n"
    '2026-01-02 17:00:00,"""Ada"" <0711>",0711000111,00442079460123,x,SIP/a-1,SIP/b-2,Dial,,66,61,ANSWERED,3,,1.1,,,,,,,,,1.1,,5\n'
)
JSON = (FOLDER / "freeswitch_json.json").read_text().split("\n")[0]
XML = (
    "<cdr><variables><uuid>u-1</uuid><start_epoch>1767366000</start_epoch><end_epoch>1767366062</end_epoch></variables>"
    "<callflow><caller_profile><destination_number>442079460123</destination_number></caller_profile></callflow></cdr>"
)
ACME = golden_file("acme_sbc").read_text().splitlines()[0].replace("EAT", "PST").split(",")
DETAIL = (
    "Fri Jan  2 17:00:00 2026\n\tUser-Name = {q}111{q}\n\tAcct-Session-Id = {q}1{q}\n\tNAS-IP-Address = 192.0.2.1\n\tAcct-Status-Type = Stop\n"
    "\tAcct-Session-Time = 1\n\tCalled-Station-Id = {q}00442079460123{q}\n\tCalling-Station-Id = {q}202{q}\n"
    "\th323-disconnect-cause = {q}h323-disconnect-cause=10{q}\n\th323-call-origin = {q}h323-call-origin=Originate{q}\n"
    "\th323-conf-id = {q}h323-conf-id=02102944 600a1899 3fd61009 0e2f3cc5{q}\n\n"
)
MORE = {16: "", 17: ',"17.1"', 18: ',"17.1",""', 19: ',"","17.1",5', 20: ',"17.1","","17.1",5', 21: ',"17.1","","","17.1",5',
        23: ',"17.1","","","17.1",5,"own","x"'}  # fmt: skip


def of_uuid(line: str) -> str:
    return line.replace('"17.1"', '"1767362400.1"')


VARIANTS: dict[str, tuple[str, str]] = {
    **{f"asterisk {count} fields": ("asterisk", of_uuid(MASTER.format(*TIMES) + more)) for count, more in MORE.items()},
    "asterisk without quotes": ("asterisk", UNQUOTED.format(*TIMES) + ",1767362400.1,"),
    "asterisk day first": ("asterisk", MASTER.format(*(f"02/01/2026{time[10:]}" for time in TIMES))),
    "asterisk microseconds": (
        "asterisk",
        MASTER.format(*(f"{time}.123456" for time in TIMES)).replace(",66,61,", ",66.0,61.0,"),
    ),
    "asterisk not answered": (
        "asterisk",
        MASTER.format(TIMES[0], "", TIMES[2]).replace('66,61,"ANSWERED"', '66,0,"NO ANSWER"'),
    ),
    "asterisk amaflags as a number": ("asterisk", MASTER.format(*TIMES).replace('"DOCUMENTATION"', "3")),
    "asterisk CRLF": ("asterisk", MASTER.format(*TIMES) + "\r"),
    "table in any order": ("asterisk_table", TABLE.format(*TIMES)),
    "table with semicolons": ("asterisk_table", TABLE.format(*TIMES).replace(",", ";")),
    "table with tabs": ("asterisk_table", TABLE.format(*TIMES).replace(",", "\t")),
    "FreePBX with a header": ("asterisk_export", PBX),
    "short form": ("asterisk_export", "2026-01-02 17:00:00,0711000111,00442079460123,66,61,ANSWERED"),
    "FreeSWITCH JSON in base64": ("freeswitch_json", "cdr=" + base64.b64encode(JSON.encode()).decode()),
    "FreeSWITCH JSON in bare base64": ("freeswitch_json", base64.b64encode(JSON.encode()).decode()),
    "FreeSWITCH JSON percent-encoded": ("freeswitch_json", "cdr=" + quote_plus(JSON)),
    "FreeSWITCH JSON as posted": ("freeswitch_json", "uuid=a_1111&cdr=" + quote(JSON)),
    "FreeSWITCH XML as posted": ("freeswitch_xml", "uuid=a_1111&cdr=" + quote_plus(XML)),
    "FreeSWITCH XML in a frame": ("freeswitch_xml", f'<?xml version="1.0"?>\n<cdrs>\n{XML}\n</cdrs>'),
    "VOS with bars": ("vos", "\n".join(golden_file("vos").read_text().splitlines()[:2]).replace(",", "|")),
    "VOS with semicolons": ("vos", "\n".join(golden_file("vos").read_text().splitlines()[:2]).replace(",", ";")),
    "Kamailio with semicolons": (
        "kamailio_cdrs", "\n".join(golden_file("kamailio_cdrs").read_text().splitlines()[:2]).replace(",", ";")
    ),
    "Mera with spaces": ("mera", golden_file("mera").read_text().splitlines()[1]),
    **{f"ACME {count} fields": ("acme_sbc", ",".join((ACME + [""] * 9)[:count])) for count in (171, 175)},
    "RADIUS": ("radius_detail", DETAIL.format(q='"')),
    "RADIUS in single quotes": ("radius_detail", DETAIL.format(q="'")),
    "RADIUS with commas": ("radius_detail", DETAIL.format(q='"').replace('"\n', '",\n')),
    "RADIUS with comments": ("radius_detail", "#\n# A packet\n#\n" + DETAIL.format(q='"')),
}  # fmt: skip


def tried(path: Path) -> Trial:
    trial = try_file(path, form=None, profile=None, received_at=NOW)
    assert trial.rows_in == trial.decoded + trial.rejected + trial.skipped.total()
    return trial


@pytest.mark.parametrize("packing", ["plain", "gzip", "zip"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_is_recognised_and_read(variant: str, packing: str, tmp_path: Path) -> None:
    name, text = VARIANTS[variant]
    data = text.encode() + b"\n"
    path = tmp_path / "file"
    match packing:
        case "plain":
            path.write_bytes(data)
        case "gzip":
            path.write_bytes(gzip.compress(data))
        case "zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("Master.csv", data)
    trial = tried(path)
    assert (trial.format, trial.decoded, trial.rejected) == (name, 1, 0), (trial.reasons, trial.rows, trial.remark)


def test_a_month_that_comes_first_is_named_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "Master.csv"
    path.write_text(MASTER.format(*(f"01/22/2026{time[10:]}" for time in TIMES)) + "\n")
    trial = tried(path)
    assert (trial.format, dict(trial.reasons)) == ("asterisk", {"bad_time": 1})
    assert trial.rows[0]["detail"] == "start '01/22/2026 17:00:00' is no time that exists."


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"SQLite format 3\0....", "SQLite"),
        (b"\x61\x82\x05\xf4\x64\x4d\xc4\x05TAPXX\x00\x00\x01", "TAP3"),
        (b"\x62\x81\x94\xc4\x05TAPXX\x00\x00\x01", "notification"),
        (b"-- dump\nINSERT INTO `cdr` VALUES (1,'x');\n", "dump"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"BZh91AY", "bzip2"),
        (b"".join(b"%d,Acme-Session-%d,nil\n" % (at, at) for at in range(1, 20)), "fields of acme_sbc"),
        (b"".join(b"%d,H323Something%d\n" % (at, at) for at in range(20)), "fields of cisco_cube"),
        (b"Hour,Calls\n04,0.19\n", "a telephone number or a time"),
        (b"254711000111,254711000112\n", "None of its first lines has a time"),
    ],
)
def test_a_file_without_records_of_calls_is_named(head: bytes, said: str) -> None:
    assert said in what_it_is(head)
    assert what_it_is(b"254711000111,442079460123,2026-01-02 17:00:00,60\n") == ""


# Every file of the domain's collections: format, rows, decoded, rejects and what was passed over; or what is said of it.
REAL = {
    "cdr/asterisk_freepbx_export_25col.csv": ("asterisk_export", 856, 718, {"bad_number": 138}, {}, ""),
    "cdr/cisco_cucm_cdr_sample.csv": ("cisco_cucm", 3, 2, {"duration_mismatch": 1}, {}, ""),
    "cdr/freeswitch_master.csv": ("freeswitch", 10, 2, {"bad_number": 8}, {}, ""),
    "cdr/freeswitch_xml_cdr.xml": ("freeswitch_xml", 1, 1, {}, {}, ""),
    "cdr/mobile_msc_cdr_pipe_32col_simulated.csv.gz": ("mobile_msc", 3431, 3425, {"bad_time": 6}, {}, ""),
    "radius/detail_captured_public_tickets.txt": ("radius_detail", 4, 1, {"field_count": 2}, {"start": 1}, ""),
    "radius/detail_freeradius_one.txt": ("radius_detail", 1, 0, {}, {"start": 1}, ""),
    "radius/detail_gnu_radius_ppp.txt": ("radius_detail", 2, 1, {}, {"start": 1}, ""),
    "radius/detail_h323_audiocodes_manual.txt": ("radius_detail", 1, 0, {"bad_time": 1}, {}, ""),
    "radius/freeradius_sql_acct_test_packets.zip": (
        "radius_detail", 14, 1, {"field_count": 1}, {"start": 3, "interim": 2, "no_packet": 7}, "",
    ),
    "cdr/acme_packet_sbc_cdr_field_lists.zip": (None, 1295, 0, {"unknown_format": 1295}, {}, "a list of the fields of acme_sbc"),
    "cdr/cisco_cube_cdr_fields.csv": (None, 131, 0, {"unknown_format": 131}, {}, "a list of the fields of cisco_cube"),
    "cdr/nodobo_aggregates.zip": (None, 696, 0, {"unknown_format": 696}, {}, "has a telephone number or a time"),
    "cdr/tap3/tap311_layline_sample.ber": (None, 9, 0, {"unknown_format": 9}, {}, "a TAP3 file in BER, a transfer batch"),
    "cdr/tap3/tap3_notification_peura_2022.ber": (None, 1, 0, {"unknown_format": 1}, {}, "a TAP3 file in BER, a notification"),
}  # fmt: skip


@pytest.mark.parametrize("file", REAL)
def test_every_real_file_is_decoded_or_says_what_it_is(file: str) -> None:
    name, rows, decoded, rejects, skipped, said = REAL[file]
    trial = tried(shared_folder("data", *file.split("/")))
    found = (trial.format, trial.rows_in, trial.decoded, dict(trial.reasons), dict(trial.skipped))
    assert found == (name, rows, decoded, rejects, skipped), (trial.remark, trial.rows)
    assert said in trial.remark
