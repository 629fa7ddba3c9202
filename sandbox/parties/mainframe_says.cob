      *> What the bank's mainframe says without being asked for an
      *> account: a reply that refuses or fails (ACCOUNT-REPLY), or a
      *> change of a profile (PROFILE-CHANGE). It reads ORDER, whose
      *> fields stand in Latin-1, and writes SAID by the copybooks.
      *>
      *> The records are EBCDIC (code page 500), by PAGE500. What is
      *> not in it is an abend: RETURN-CODE 8, and nothing is said.
       IDENTIFICATION DIVISION.
       PROGRAM-ID. SAYS.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT ORDER-FILE ASSIGN TO "ORDER"
               ORGANIZATION SEQUENTIAL FILE STATUS FS.
           SELECT REPLY-FILE ASSIGN TO "SAID"
               ORGANIZATION SEQUENTIAL FILE STATUS FS.
           SELECT CHANGE-FILE ASSIGN TO "SAID"
               ORGANIZATION SEQUENTIAL FILE STATUS FS.
       DATA DIVISION.
       FILE SECTION.
       FD  ORDER-FILE.
       01  ORDER-RECORD.
           05  ORDER-CODE          PIC X(4).
           05  ORDER-CLIENT        PIC X(20).
           05  ORDER-STATUS        PIC X(2).
           05  ORDER-REASON        PIC X(42).
           05  ORDER-CHANGE        PIC X(12).
           05  ORDER-SEQUENCE      PIC 9(9).
           05  ORDER-AT            PIC 9(14).
           05  ORDER-FIELD         PIC X(20).
           05  ORDER-VALUE         PIC X(40).
       FD  REPLY-FILE.
       COPY "ACCTRPL.cpy".
       FD  CHANGE-FILE.
       COPY "ACCTCHG.cpy".
       WORKING-STORAGE SECTION.
       01  FS                      PIC XX.
       01  REST                    PIC X(163).
       01  BLANKS                  PIC X(134) VALUE SPACES.
       COPY "PAGE500.cpy".
       PROCEDURE DIVISION.
       MAIN-LINE.
           OPEN INPUT ORDER-FILE.
           READ ORDER-FILE.
           MOVE ORDER-RECORD TO REST.
           INSPECT REST CONVERTING ASCII-SIDE TO BLANKS.
           IF REST NOT = SPACES
               DISPLAY "ABEND: A CHARACTER OF NO TABLE"
               MOVE 8 TO RETURN-CODE
               STOP RUN
           END-IF.
           EVALUATE ORDER-CODE
               WHEN "ACRP" PERFORM SAY-REPLY
               WHEN "CHNG" PERFORM SAY-CHANGE
               WHEN OTHER
                   DISPLAY "ABEND: ORDER"
                   MOVE 8 TO RETURN-CODE
           END-EVALUATE.
           CLOSE ORDER-FILE.
           STOP RUN.

       SAY-REPLY.
           MOVE SPACES TO ACCOUNT-REPLY.
           MOVE ORDER-CODE TO TRAN-CODE OF ACCOUNT-REPLY.
           MOVE ORDER-CLIENT TO CLIENT-ID OF ACCOUNT-REPLY.
           EVALUATE ORDER-STATUS
               WHEN "08" SET ACCOUNT-REFUSED TO TRUE
               WHEN "16" SET SYSTEM-ERROR TO TRUE
           END-EVALUATE.
           MOVE ORDER-REASON TO REASON.
           INSPECT ACCOUNT-REPLY
               CONVERTING ASCII-SIDE TO EBCDIC-SIDE.
           OPEN OUTPUT REPLY-FILE.
           WRITE ACCOUNT-REPLY.
           CLOSE REPLY-FILE.

       SAY-CHANGE.
           MOVE ORDER-CODE TO TRAN-CODE OF PROFILE-CHANGE.
           MOVE ORDER-CLIENT TO CLIENT-ID OF PROFILE-CHANGE.
           MOVE ORDER-CHANGE TO CHANGE-ID.
           MOVE ORDER-SEQUENCE TO CHANGE-SEQUENCE.
           MOVE ORDER-AT TO CHANGED-AT.
           MOVE ORDER-FIELD TO FIELD-NAME.
           MOVE ORDER-VALUE TO FIELD-VALUE.
           INSPECT PROFILE-CHANGE
               CONVERTING ASCII-SIDE TO EBCDIC-SIDE.
           OPEN OUTPUT CHANGE-FILE.
           WRITE PROFILE-CHANGE.
           CLOSE CHANGE-FILE.
