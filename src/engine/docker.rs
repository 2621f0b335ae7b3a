//! The Docker engine: `Revision --engine::run--> Records` in sealed containers.

pub mod connect;
