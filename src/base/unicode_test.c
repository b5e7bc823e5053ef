#include "base/test.h"
#include "base/unicode.h"

TEST(composed_and_decomposed_letters_become_one_form)
{
    AUTO(arena) struct arena *a = arena_new();
    CHECK_TEXT(unicode_nfc(a, "o\xcc\x88.jpg"), "\xc3\xb6.jpg");
    CHECK_TEXT(unicode_nfc(a, "\xc3\xb6.jpg"), "\xc3\xb6.jpg");
    CHECK_TEXT(unicode_nfc(a, "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab"), "\xed\x95\x9c"); /* Hangul */
    CHECK_TEXT(unicode_nfc(a, "a.jpg"), "a.jpg");
    CHECK_TEXT(unicode_nfc(a, "\xff\xfe"), "\xff\xfe");
    CHECK_TEXT(unicode_nfc(a, ""), "");
    CHECK_TEXT(unicode_nfd(a, "\xc3\xb6.jpg"), "o\xcc\x88.jpg");
    CHECK_TEXT(unicode_nfd(a, "\xff\xfe"), "\xff\xfe");
}
