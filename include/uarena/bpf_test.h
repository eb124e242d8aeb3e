/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For BPF programs: what is to come of a program when `uarena test` or the kernel's own test
 * loader gets it. They go before the function:
 *
 *	SEC("syscall") __success __retval(7) __stdout("seven")
 *	int seven(void *ctx) { ... }
 *
 * Texts are searched literally except for {{extended regular expressions}}, several of a kind
 * one behind the other. Alternatives need parentheses: {{(READ|WRITE)}}.
 */
#ifndef UARENA_BPF_TEST_H
#define UARENA_BPF_TEST_H

#define UARENA_TAG(text) __attribute__((btf_decl_tag("comment:test_" text)))
#define UARENA_STR_(x) #x
#define UARENA_STR(x) UARENA_STR_(x)
/* The counter keeps equal texts apart and tells the order. */
#define UARENA_EXPECT(what, text) UARENA_TAG("expect_" what "=" UARENA_STR(__COUNTER__) "=" text)

/* The verifier accepts the program, or refuses it. */
#define __success UARENA_TAG("expect_success")
#define __failure UARENA_TAG("expect_failure")
/* The verifier's log has the text, or has it not (between the __msg before and behind). */
#define __msg(text) UARENA_EXPECT("msg", text)
#define __not_msg(text) UARENA_EXPECT("not_msg", text)
#define __log_level(level) UARENA_TAG("log_level=" UARENA_STR(level))
/* The program is run and returns the value, has the text in its stream. */
#define __retval(value) UARENA_TAG("retval=" UARENA_STR(value))
#define __stderr(text) UARENA_EXPECT("stderr", text)
#define __stdout(text) UARENA_EXPECT("stdout", text)
/* Name shown, and selected by, besides the function's. */
#define __description(text) UARENA_TAG("description=" text)
/* Not a test itself, but loaded with each test of the object. */
#define __auxiliary UARENA_TAG("auxiliary")
#define __arch_x86_64 UARENA_TAG("arch=X86_64")
#define __arch_arm64 UARENA_TAG("arch=ARM64")

#endif
