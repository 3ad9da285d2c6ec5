#pragma once
/*
 * SANITIZED: 1 in a build with AddressSanitizer or ThreadSanitizer, or 0. gcc
 * and clang have a way each to say so.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif
