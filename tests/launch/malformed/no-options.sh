#!/bin/bash
echo hello
ls -l --all
