"""Documents and packets as FreeSWITCH and RADIUS servers write them, with holes for `samples`.

The variables are those that a call through a SIP profile and a gateway has on a plain installation, in its order.
"""

from __future__ import annotations

from typing import Final

_CALL_VARIABLES: Final = (
    ("direction", "{direction}"), ("uuid", "<<{own}>>"), ("session_id", "<<serial>>"),
    ("sip_from_user", "<<calling>>"), ("sip_from_uri", "<<calling>>%40<<ip>>"), ("sip_from_host", "<<ip>>"),
    ("channel_name", "sofia/external/<<calling>>%40<<ip>>"), ("sip_call_id", "<<hex16>>%40<<ip>>"),
    ("sip_local_network_addr", "192.0.2.1"), ("sip_network_ip", "<<ip>>"), ("sip_network_port", "5060"),
    ("sip_received_ip", "<<ip>>"), ("sip_received_port", "5060"), ("sip_via_protocol", "udp"),
    ("sip_from_user_stripped", "<<calling>>"), ("sofia_profile_name", "external"), ("recovery_profile_name", "external"),
    ("sip_req_user", "<<called>>"), ("sip_req_uri", "<<called>>%40192.0.2.1"), ("sip_req_host", "192.0.2.1"),
    ("sip_to_user", "<<called>>"), ("sip_to_uri", "<<called>>%40192.0.2.1"), ("sip_to_host", "192.0.2.1"),
    ("sip_contact_user", "<<calling>>"), ("sip_contact_port", "5060"), ("sip_contact_uri", "<<calling>>%40<<ip>>%3A5060"),
    ("sip_contact_host", "<<ip>>"), ("sip_via_host", "<<ip>>"), ("sip_via_port", "5060"), ("max_forwards", "69"),
    ("switch_r_sdp", "v%3D0%0D%0Ao%3D-%201772409600%201%20IN%20IP4%20<<ip>>%0D%0As%3D-%0D%0Ac%3DIN%20IP4%20<<ip>>%0D%0A"
     "t%3D0%200%0D%0Am%3Daudio%2016384%20RTP/AVP%208%200%2018%20101%0D%0Aa%3Drtpmap%3A101%20telephone-event/8000%0D%0A"),
    ("ep_codec_string", "CORE_PCM_MODULE.PCMA%408000h%4020i%4064000b"), ("read_codec", "PCMA"), ("read_rate", "8000"),
    ("write_codec", "PCMA"), ("write_rate", "8000"), ("call_uuid", "<<call>>"), ("accountcode", "<<customer>>"),
    ("sip_gateway", "<<customer>>"), ("hangup_after_bridge", "true"), ("continue_on_fail", "true"),
    ("current_application", "bridge"), ("current_application_data", "sofia/gateway/<<vendor>>/<<called>>"),
    ("bridge_channel", "sofia/external/<<called>>%40<<vendor_ip>>"), ("bridge_uuid", "<<pkid>>"),
    ("signal_bond", "<<pkid>>"), ("originate_disposition", "<<cause>>"), ("last_sent_callee_id_number", "<<called>>"),
    ("sip_term_status", "<<sip>>"), ("proto_specific_hangup_cause", "sip%3A<<sip>>"), ("sip_term_cause", "<<q850>>"),
    ("endpoint_disposition", "ANSWER"), ("rtp_use_codec_name", "PCMA"), ("rtp_use_codec_rate", "8000"),
    ("rtp_use_pt", "8"), ("local_media_ip", "192.0.2.1"), ("local_media_port", "22536"), ("remote_media_ip", "<<ip>>"),
    ("remote_media_port", "16384"), ("sip_user_agent", "Trunk%20Gateway%204.2"), ("sip_hangup_disposition", "recv_bye"),
    ("last_bridge_hangup_cause", "<<cause>>"), ("last_bridge_proto_specific_hangup_cause", "sip%3A<<sip>>"),
    ("hangup_cause", "<<cause>>"), ("hangup_cause_q850", "<<q850>>"), ("digits_dialed", "none"),
    ("start_stamp", "<<start_encoded>>"), ("profile_start_stamp", "<<start_encoded>>"),
    ("answer_stamp", "<<answer_encoded>>"), ("end_stamp", "<<end_encoded>>"), ("start_epoch", "<<start_epoch>>"),
    ("start_uepoch", "<<start_us>>"), ("profile_start_epoch", "<<start_epoch>>"),
    ("profile_start_uepoch", "<<start_us>>"), ("answer_epoch", "<<answer_epoch>>"), ("answer_uepoch", "<<answer_us>>"),
    ("bridge_epoch", "<<answer_epoch>>"), ("bridge_uepoch", "<<answer_us>>"), ("last_hold_epoch", "0"),
    ("last_hold_uepoch", "0"), ("hold_accum_seconds", "0"), ("hold_accum_usec", "0"), ("progress_epoch", "0"),
    ("progress_uepoch", "0"), ("progress_media_epoch", "<<connect_epoch>>"), ("progress_media_uepoch", "<<connect_us>>"),
    ("end_epoch", "<<end_epoch>>"), ("end_uepoch", "<<end_us>>"), ("last_app", "bridge"),
    ("last_arg", "sofia/gateway/<<vendor>>/<<called>>"), ("caller_id", "%22<<calling>>%22%20%3C<<calling>>%3E"),
    ("duration", "<<total>>"), ("billsec", "<<seconds>>"), ("progresssec", "0"), ("answersec", "4"), ("waitsec", "4"),
    ("progress_mediasec", "3"), ("flow_billsec", "<<total>>"), ("mduration", "<<milliseconds>>"),
    ("billmsec", "<<milliseconds>>"), ("progressmsec", "0"), ("flow_billmsec", "<<milliseconds>>"),
    ("uduration", "<<milliseconds>>000"), ("billusec", "<<milliseconds>>000"), ("rtp_audio_in_raw_bytes", "77541"),
    ("rtp_audio_in_media_bytes", "74520"), ("rtp_audio_in_packet_count", "1843"), ("rtp_audio_in_skip_packet_count", "63"),
    ("rtp_audio_in_quality_percentage", "100.00"), ("rtp_audio_in_mos", "4.50"), ("rtp_audio_out_raw_bytes", "58950"),
    ("rtp_audio_out_media_bytes", "58950"), ("rtp_audio_out_packet_count", "1310"),
)  # fmt: skip
_PROFILE: Final = (
    ("username", "<<calling>>"), ("dialplan", "XML"), ("caller_id_name", "<<calling>>"), ("ani", "<<calling>>"),
    ("aniii", ""), ("caller_id_number", "<<calling>>"), ("network_addr", "<<ip>>"), ("rdnis", ""),
    ("destination_number", "<<called>>"), ("uuid", "<<{own}>>"), ("source", "mod_sofia"), ("context", "public"),
    ("chan_name", "sofia/external/<<calling>>@<<ip>>"),
)  # fmt: skip
_TIMES: Final = (
    ("created_time", "<<start_us>>"), ("profile_created_time", "<<start_us>>"), ("progress_time", "0"),
    ("progress_media_time", "<<connect_us>>"), ("answered_time", "<<answer_us>>"), ("bridged_time", "<<answer_us>>"),
    ("hangup_time", "<<end_us>>"), ("resurrect_time", "0"), ("transfer_time", "0"),
)  # fmt: skip


def _filled(pairs: tuple[tuple[str, str], ...], own: str = "leg", direction: str = "inbound") -> list[tuple[str, str]]:
    return [(name, text.replace("{own}", own).replace("{direction}", direction)) for name, text in pairs]


def _members(pairs: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f'"{name}":"{text}"' for name, text in pairs) + "}"


def _json() -> str:
    """A leg as mod_json_cdr writes it in one line."""
    target = _members(_filled(_PROFILE, "pkid"))
    profile = _members(_filled(_PROFILE))[:-1] + ',"originatee":{"originatee_caller_profiles":[' + target + "]}}"
    return (
        '{"core-uuid":"<<call>>","switchname":"sbc1","channel_data":{"state":"CS_REPORTING","direction":"inbound",'
        '"state_number":"11","flags":"0=1;1=1;3=1","caps":"1=1;2=1"},"callStats":{"audio":{"inbound":{"raw_bytes":77541,'
        '"media_bytes":74520,"mos":4.5},"outbound":{"raw_bytes":58950,"media_bytes":58950}}},"variables":'
        + _members(_filled(_CALL_VARIABLES))
        + ',"app_log":{"applications":[{"app_name":"bridge","app_data":"sofia/gateway/<<vendor>>/<<called>>"}]},"callflow":'
        '[{"dialplan":"XML","profile_index":"1","extension":{"name":"out","number":"<<called>>","applications":[]},'
        '"caller_profile":' + profile + ',"times":' + _members(_filled(_TIMES)) + "}]}\n"
    )


def _elements(pairs: list[tuple[str, str]], indent: int) -> str:
    return "".join(f"{' ' * indent}<{name}>{text}</{name}>\n" for name, text in pairs)


def _xml() -> str:
    """A leg as mod_xml_cdr writes it, indented."""
    return (
        '<?xml version="1.0"?>\n<cdr core-uuid="<<call>>" switchname="sbc1">\n  <channel_data>\n'
        "    <state>CS_REPORTING</state>\n    <direction>inbound</direction>\n    <state_number>11</state_number>\n"
        "    <flags>0=1;1=1;3=1</flags>\n    <caps>1=1;2=1</caps>\n  </channel_data>\n  <variables>\n"
        + _elements(_filled(_CALL_VARIABLES), 4)
        + '  </variables>\n  <app_log>\n    <application app_name="bridge" app_data="sofia/gateway/<<vendor>>/<<called>>">'
        '</application>\n  </app_log>\n  <callflow dialplan="XML" profile_index="1">\n    <extension name="out" '
        'number="<<called>>">\n      <application app_name="bridge" app_data="sofia/gateway/<<vendor>>/<<called>>">'
        "</application>\n    </extension>\n    <caller_profile>\n"
        + _elements(_filled(_PROFILE), 6)
        + "      <originatee>\n        <originatee_caller_profile>\n"
        + _elements(_filled(_PROFILE, "pkid"), 10)
        + "        </originatee_caller_profile>\n      </originatee>\n    </caller_profile>\n    <times>\n"
        + _elements(_filled(_TIMES), 6)
        + "    </times>\n  </callflow>\n</cdr>\n"
    )


def _packet(origin: str, *, is_stop: bool) -> str:
    """An accounting packet of a Cisco gateway as FreeRADIUS writes it to a detail file."""
    number = {"answer": "1", "originate": "2"}[origin]
    lines = [
        f"Acct-Status-Type = {'Stop' if is_stop else 'Start'}",
        f'Acct-Session-Id = "<<hex>>{number}"',
        'User-Name = "<<calling>>"',
        'Calling-Station-Id = "<<calling>>"',
        'Called-Station-Id = "<<called>>"',
        "NAS-IP-Address = 192.0.2.20",
        "NAS-Port-Type = Async",
        "Service-Type = Login-User",
        'Cisco-NAS-Port = "ISDN 2:D"',
        f'h323-call-origin = "h323-call-origin={origin}"',
        f'h323-call-type = "h323-call-type={"Telephony" if origin == "answer" else "VoIP"}"',
        'h323-gw-id = "h323-gw-id=nbo-gw1."',
        'h323-conf-id = "h323-conf-id=<<conf>>"',
        'Cisco-AVPair = "h323-incoming-conf-id=<<conf>>"',
        'h323-setup-time = "h323-setup-time=<<start_h323>>"',
    ]
    if is_stop:
        remote = "<<ip>>" if origin == "answer" else "<<vendor_ip>>"
        lines += [
            'h323-connect-time = "h323-connect-time=<<connect_h323>>"',
            'h323-disconnect-time = "h323-disconnect-time=<<end_h323>>"',
            'h323-disconnect-cause = "h323-disconnect-cause=<<hexcause>>"',
            'h323-voice-quality = "h323-voice-quality=0"',
            f'h323-remote-address = "h323-remote-address={remote}"',
            "Acct-Session-Time = <<seconds>>",
            "Acct-Input-Octets = 480000",
            "Acct-Output-Octets = 481200",
            "Acct-Input-Packets = 3000",
            "Acct-Output-Packets = 3008",
            'Cisco-AVPair = "subscriber=RegularLine"',
            'Cisco-AVPair = "in-trunkgroup-label=<<customer>>"',
            'Cisco-AVPair = "out-trunkgroup-label=<<vendor>>"',
        ]
    lines += ["Acct-Delay-Time = 0", "Timestamp = <<end_epoch>>"]
    return "<<end_head>>\n" + "".join(f"\t{line}\n" for line in lines) + "\n"


JSON_LEGS: Final = (_json(),)
XML_LEGS: Final = (_xml(),)
# A call is two legs, each of which starts and stops.
RADIUS_PACKETS: Final = tuple(
    _packet(origin, is_stop=is_stop) for is_stop in (False, True) for origin in ("answer", "originate")
)
