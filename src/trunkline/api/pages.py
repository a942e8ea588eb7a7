"""The page to try the API."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse


def docs(request: HttpRequest) -> HttpResponse:
    """Every operation with its description, and a form to call it with a key."""
    return render(request, "api/docs.html", {"document": reverse("api:openapi-json")})
